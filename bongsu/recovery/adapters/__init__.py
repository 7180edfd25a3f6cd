"""The real components behind the ports: folders, restic, PostgreSQL, Chroma, the manifest's commands."""
