"""Boards: which SLOs, alerts and metrics are drawn, resolved once for Grafana and for the console."""
