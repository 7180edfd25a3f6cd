"""Promises: OpenSLO documents into recording rules and burn-rate alerts."""
