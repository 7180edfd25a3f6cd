"""Run the revisions over the connection that `research_assistant.migrate` hands in; Alembic executes this file.

Each revision and its version number commit in one transaction: killed in between, a migration happened or it did not.
"""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
