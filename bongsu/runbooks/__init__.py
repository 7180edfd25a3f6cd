"""Runbooks: prose for a person and typed steps for a machine, in one file."""
