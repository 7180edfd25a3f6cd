"""chaos/adapters room; see docs/ARCHITECTURE.md."""
