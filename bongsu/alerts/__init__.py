"""alerts room; see docs/ARCHITECTURE.md."""
