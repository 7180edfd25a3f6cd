"""Numbered documents by which a drill counts what a disaster took; one file for each verb, `marker` for what one is."""
