"""Metrics and logs: the only part of the framework, with core, that a workload may import."""
