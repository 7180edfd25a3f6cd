"""Observability-first reliability framework for LLM agent systems: declare, compile, prove."""

__version__ = "0.1.0"
