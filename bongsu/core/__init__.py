"""Vocabulary of the house: errors, diagnostics, YAML with positions, durations, names, manifest, artefacts."""
