"""Sloth's documents in its three spellings, as the tests of its reader take them and spoil them."""

from __future__ import annotations

from pathlib import Path

_GOLDENS = Path(__file__).parents[1] / "golden/sloth"
GOOD = """\
version: "prometheus/v1"
service: "shop"
labels:
  squad: "payments"
slos:
  - name: "orders"
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(orders_total{outcome="bad"}[{{.window}}]))
        total_query: sum(rate(orders_total[{{.window}}]))
    alerting:
      name: OrdersFail
      annotations:
        message: "look at it"
      page_alert:
        labels:
          severity: wake
      ticket_alert:
        disable: true
"""
OBJECT = (_GOLDENS / "06-kubernetes.yaml").read_text(encoding="utf-8")
ALPHA = (_GOLDENS / "07-openslo.yaml").read_text(encoding="utf-8")
