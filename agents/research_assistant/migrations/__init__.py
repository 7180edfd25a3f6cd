"""Schema migrations of the research assistant (Alembic); `versions/` says what one looks like."""
