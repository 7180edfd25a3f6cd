"""What the API believes about the schema is what the migration tool believes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.script import ScriptDirectory
from research_assistant import revisions
from research_assistant.migrate import MIGRATIONS

if TYPE_CHECKING:
    from pathlib import Path


def test_the_revisions_are_those_of_the_migration_tool() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    found = revisions.read()
    assert found.heads == set(scripts.get_heads())
    assert found.known == {script.revision for script in scripts.walk_revisions()}


def test_a_revision_that_another_follows_is_no_head(tmp_path: Path) -> None:
    (tmp_path / "m1_a.py").write_text('revision = "1"\ndown_revision = None\n', encoding="utf-8")
    (tmp_path / "m2_b.py").write_text('revision = "2"\ndown_revision = "1"\n', encoding="utf-8")
    assert revisions.read(tmp_path) == revisions.Revisions(frozenset({"1", "2"}), frozenset({"2"}))
