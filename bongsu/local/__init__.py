"""local room; see docs/ARCHITECTURE.md."""
