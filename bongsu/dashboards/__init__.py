"""dashboards room; see docs/ARCHITECTURE.md."""
