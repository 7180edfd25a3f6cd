"""chaos room; see docs/ARCHITECTURE.md."""
