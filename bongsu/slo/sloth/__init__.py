"""Sloth's documents: read them strictly, compile them with our rules, or into Sloth's own (compat)."""
