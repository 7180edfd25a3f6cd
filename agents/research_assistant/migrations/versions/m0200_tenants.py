"""Add tenants, sessions, feedback and the longer life of a run: priority, retries, cancellation, the way of its trace.

The first step of expand, migrate, contract: whatever is new has a default or may be absent, so the code of the revision
before runs on this schema. It writes neither tenants nor `queued` rows: readers take a run's owner for its tenant.
"""

from __future__ import annotations

from alembic import op

revision = "0200"
down_revision = "0100"

SQL = """
CREATE TABLE tenants (
    name                text PRIMARY KEY CHECK (name <> ''),
    requests_per_minute integer CHECK (requests_per_minute > 0),
    concurrency         integer CHECK (concurrency > 0),
    created_at          timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tenants IS 'Limits of their own; NULL, or no row, means the configured default.';

ALTER TABLE api_keys
    ADD COLUMN tenant text,
    ADD COLUMN scopes text[] NOT NULL DEFAULT '{ask,read,documents,feedback}'
        CHECK (scopes <@ '{ask,read,documents,feedback,admin}'::text[]);
COMMENT ON COLUMN api_keys.tenant IS 'Whose runs and documents the key opens; NULL means the name of the key.';

CREATE TABLE sessions (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant     text NOT NULL,
    owner      text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    last_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sessions_tenant ON sessions (tenant, last_at);

ALTER TABLE runs
    ADD COLUMN tenant text,
    ADD COLUMN priority text NOT NULL DEFAULT 'interactive' CHECK (priority IN ('interactive', 'batch')),
    ADD COLUMN session_id uuid REFERENCES sessions (id) ON DELETE SET NULL,
    ADD COLUMN tries integer NOT NULL DEFAULT 0,
    ADD COLUMN retry_at timestamptz,
    ADD COLUMN cancel_requested_at timestamptz,
    ADD COLUMN traceparent text,
    DROP CONSTRAINT runs_state_check,
    DROP CONSTRAINT runs_check2,
    ADD CONSTRAINT runs_state_check CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    ADD CONSTRAINT runs_final_check CHECK ((state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL));
COMMENT ON COLUMN runs.tenant IS 'NULL in rows of an older version: the owner.';
COMMENT ON COLUMN runs.tries IS 'How often the run has ended in a failure that was worth another try.';
COMMENT ON COLUMN runs.traceparent IS 'W3C Trace Context of the request that submitted it.';
CREATE INDEX runs_tenant ON runs (tenant, submitted_at);
CREATE INDEX runs_session ON runs (session_id, submitted_at) WHERE session_id IS NOT NULL;

ALTER TABLE run_events
    DROP CONSTRAINT run_events_event_check,
    ADD CONSTRAINT run_events_event_check CHECK (event IN (
        'queued', 'claimed', 'started', 'finished', 'released', 'retried', 'replayed', 'done', 'failed', 'cancelled'));
DROP INDEX run_events_one_final;
CREATE UNIQUE INDEX run_events_one_final ON run_events (run_id, fence) WHERE event IN ('done', 'failed', 'cancelled');
COMMENT ON INDEX run_events_one_final IS 'Once under each fence; a run taken back from the dead letters ends again.';

CREATE TABLE feedback (
    id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    run_id uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    tenant text NOT NULL,
    owner  text NOT NULL,
    score  smallint NOT NULL CHECK (score BETWEEN 1 AND 5),
    text   text NOT NULL DEFAULT '',
    at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (run_id, owner)
);
CREATE INDEX feedback_tenant ON feedback (tenant, at);

ALTER TABLE documents ADD COLUMN tenant text, ADD COLUMN uploaded_by text;
COMMENT ON COLUMN documents.tenant IS 'Whose it is; NULL means everybody may read it.';
CREATE INDEX documents_tenant ON documents (tenant);

ALTER TABLE llm_usage ADD COLUMN tenant text;
CREATE INDEX llm_usage_tenant ON llm_usage (tenant, at);
"""


def upgrade() -> None:
    """Apply the revision."""
    op.get_bind().exec_driver_sql(SQL)
