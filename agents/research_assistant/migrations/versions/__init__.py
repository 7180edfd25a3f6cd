"""One file a revision: `mNNNN_what.py` with its number, the number before it and plain SQL. Applied revisions are never edited."""
