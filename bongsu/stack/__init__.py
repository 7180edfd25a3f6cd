"""stack room; see docs/ARCHITECTURE.md."""
