"""runbooks room; see docs/ARCHITECTURE.md."""
