"""Start, watch and stop the real processes of one home."""
