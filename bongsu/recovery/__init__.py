"""Backups, restores and their drills: the room is kept here, its furniture comes with the restore loop."""
