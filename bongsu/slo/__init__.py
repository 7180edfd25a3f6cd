"""slo room; see docs/ARCHITECTURE.md."""
