"""Redact personal data and secrets from text before anything writes it: logs, spans, label values."""

from bongsu.telemetry.redact.cleaner import ALL, Cleaner, clean, remember

__all__ = ["ALL", "Cleaner", "clean", "remember"]
