"""Create the documents, their chunks with embeddings, and the change sequence that derived indexes follow."""

from __future__ import annotations

from alembic import op

revision = "0100"
down_revision = "0001"

SQL = """
CREATE SEQUENCE chunk_changes;

CREATE FUNCTION next_chunk_change() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock(6858463104);
    SELECT nextval('chunk_changes');
$$;
COMMENT ON FUNCTION next_chunk_change IS
    'The next change number. The lock lasts until commit: numbers become visible in order, so no reader passes one by.';

CREATE TABLE documents (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    source     text NOT NULL UNIQUE CHECK (source <> ''),
    title      text NOT NULL,
    body       text NOT NULL,
    sha256     bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN documents.source IS 'Where it was ingested from: the same source again replaces the document.';

CREATE TABLE chunks (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    position    integer NOT NULL,
    heading     text NOT NULL,
    text        text NOT NULL,
    embedder    text NOT NULL,
    embedding   real[] NOT NULL,
    seq         bigint NOT NULL UNIQUE DEFAULT next_chunk_change(),
    UNIQUE (document_id, position)
);
COMMENT ON TABLE chunks IS 'Written and deleted, never updated: a changed document gets new chunks with new ids.';

CREATE TABLE chunk_tombstones (
    chunk_id uuid PRIMARY KEY,
    seq      bigint NOT NULL UNIQUE DEFAULT next_chunk_change()
);

CREATE FUNCTION bury_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chunk_tombstones (chunk_id) VALUES (OLD.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER chunks_deleted AFTER DELETE ON chunks FOR EACH ROW EXECUTE FUNCTION bury_chunk();

CREATE TABLE index_positions (
    name       text PRIMARY KEY,
    identity   text NOT NULL,
    seq        bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN index_positions.identity IS 'Which copy of the index the position is of: an empty one starts at 0.';
"""


def upgrade() -> None:
    """Apply the revision."""
    op.get_bind().exec_driver_sql(SQL)
