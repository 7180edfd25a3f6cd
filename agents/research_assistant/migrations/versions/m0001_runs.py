"""Create the runs, their ledger, the API keys, the choice of provider and the usage ledger."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

SQL = """
CREATE TABLE runs (
    id              uuid PRIMARY KEY,
    owner           text NOT NULL,
    idempotency_key text,
    question        text NOT NULL,
    state           text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    fence           bigint NOT NULL DEFAULT 0,
    worker          text,
    answer          text,
    citations       jsonb NOT NULL DEFAULT '[]',
    run_class       text CHECK (run_class IN ('simple', 'compound')),
    error_kind      text,
    error_detail    text,
    submitted_at    timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz,
    UNIQUE (owner, idempotency_key),
    CHECK ((state = 'done') = (answer IS NOT NULL)),
    CHECK ((state = 'failed') = (error_kind IS NOT NULL)),
    CHECK ((state IN ('done', 'failed')) = (finished_at IS NOT NULL))
);
COMMENT ON COLUMN runs.fence IS
    'Grows by one with every claim; a writer that holds a smaller number is stale and is rejected.';
CREATE INDEX runs_open ON runs (state, submitted_at) WHERE state IN ('queued', 'running');

CREATE TABLE run_events (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id  uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    fence   bigint NOT NULL,
    worker  text NOT NULL,
    pid     integer NOT NULL,
    event   text NOT NULL CHECK (event IN ('claimed', 'started', 'finished', 'released', 'done', 'failed')),
    node    text,
    task_id text,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((event IN ('started', 'finished')) = (node IS NOT NULL AND task_id IS NOT NULL))
);
COMMENT ON TABLE run_events IS
    'The ledger: who did what under which fence. A finished row commits with the checkpoint write it speaks of.';
CREATE INDEX run_events_run ON run_events (run_id, id);
CREATE UNIQUE INDEX run_events_one_final ON run_events (run_id) WHERE event IN ('done', 'failed');

CREATE TABLE api_keys (
    name       text PRIMARY KEY,
    digest     bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE provider_choice (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    endpoint   text NOT NULL CHECK (endpoint IN ('primary', 'secondary')),
    changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO provider_choice (endpoint) VALUES ('primary');

CREATE TABLE llm_usage (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT now(),
    run_id        uuid REFERENCES runs (id) ON DELETE SET NULL,
    endpoint      text NOT NULL,
    model         text NOT NULL,
    input_tokens  integer NOT NULL CHECK (input_tokens >= 0),
    output_tokens integer NOT NULL CHECK (output_tokens >= 0),
    usd           numeric(14, 8) NOT NULL CHECK (usd >= 0)
);
CREATE INDEX llm_usage_at ON llm_usage (at);
"""


def upgrade() -> None:
    """Apply the revision."""
    op.get_bind().exec_driver_sql(SQL)
