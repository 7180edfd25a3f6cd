"""Let a row of the ledger say why: a retried run keeps the reason of each try, a dead letter its whole history.

Expand only: the code of the revision before neither writes nor reads the column.
"""

from __future__ import annotations

from alembic import op

revision = "0300"
down_revision = "0200"

SQL = """
ALTER TABLE run_events ADD COLUMN detail text;
COMMENT ON COLUMN run_events.detail IS 'Why, for people: kind and detail of a failure, and when the next try is.';
CREATE INDEX runs_finished ON runs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX run_events_at ON run_events (at);
"""


def upgrade() -> None:
    """Apply the revision."""
    op.get_bind().exec_driver_sql(SQL)
