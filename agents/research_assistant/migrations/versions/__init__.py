"""One file a revision: `mNNNN_what.py` holds its number, the number before it and plain SQL.

An applied revision is never edited: add the next one.
"""
