"""The runner's ports on real components: Prometheus, Alertmanager, receiver, fault proxy, commands."""
