from __future__ import annotations

import subprocess
import sys

import pytest
from research_assistant.cli import main

HEAVY = ("chromadb", "langgraph", "openai", "fastapi", "alembic", "httpx")


def test_the_verbs_of_a_runbook_do_not_wait_for_heavy_imports() -> None:
    code = "import sys, research_assistant.cli, research_assistant.verbs.provider; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(HEAVY) & set(loaded)


def test_a_wrong_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    assert "invalid choice: 'fly'" in capsys.readouterr().err


def test_help_ends_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("research-assistant traffic --rate 2 --seconds 60")


def test_missing_settings_are_named_before_anything_is_touched(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "CHROMA_URL"):
        monkeypatch.delenv(name, raising=False)
    assert main(["provider", "show"]) == 2
    assert "DATABASE_URL is not set" in capsys.readouterr().err
