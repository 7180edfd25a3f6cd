"""migrate: the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research_assistant.migrate import migrate
from research_assistant.settings import Settings

if TYPE_CHECKING:
    from argparse import Namespace


def run(_args: Namespace) -> int:
    """Bring the database to the schema this code needs."""
    migrate(Settings.from_env(needs=("DATABASE_URL",)))
    print("the schema is up to date")
    return 0
