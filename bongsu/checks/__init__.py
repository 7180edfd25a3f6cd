"""checks room; see docs/ARCHITECTURE.md."""
