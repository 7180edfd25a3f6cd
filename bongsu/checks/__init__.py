"""Checks across the catalogues: one file, one code, one section of docs/checks.md, one golden."""
