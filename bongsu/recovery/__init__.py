"""Backups and restores: a snapshot for RTO, the log for RPO, reconciliation for correctness."""
