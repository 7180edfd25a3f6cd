"""Add what per-tenant limits and lists of a tenant's runs need: the rate limiter's clock, and indexes.

Expand only. The table is not logged: after a crash of the server every tenant starts with a full allowance.
"""

from __future__ import annotations

from alembic import op

revision = "0400"
down_revision = "0300"

SQL = """
CREATE UNLOGGED TABLE rate_limits (
    tenant text PRIMARY KEY,
    due    timestamptz NOT NULL
);
COMMENT ON COLUMN rate_limits.due IS
    'When the next request would be due at exactly the allowed rate: the one value of a generic cell rate algorithm.';

CREATE INDEX runs_of_tenant ON runs ((coalesce(tenant, owner)), submitted_at DESC, id DESC);
CREATE INDEX documents_page ON documents (updated_at DESC, id DESC);
"""


def upgrade() -> None:
    """Apply the revision."""
    op.get_bind().exec_driver_sql(SQL)
