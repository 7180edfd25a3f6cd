"""Experiments: break the system, watch its alerts, execute the runbook, undo, and keep the evidence."""
