from __future__ import annotations

from pathlib import Path

import pytest
from research_assistant.settings import SERVER_NEEDS, Settings

from bongsu.core.errors import UsageError

COMPLETE = {
    "DATABASE_URL": "postgresql://user:hidden@127.0.0.1:5432/assistant",
    "CHROMA_URL": "http://127.0.0.1:8000/",
    "OPENAI_BASE_URL": "http://127.0.0.1:9000/v1",
    "OPENAI_API_KEY": "hidden-key",
    "SEARCH_URL": "http://127.0.0.1:9100",
}


def problems(**changes: str) -> str:
    with pytest.raises(UsageError) as caught:
        Settings.from_env({**COMPLETE, **changes})
    return str(caught.value)


def test_the_defaults_are_those_of_the_documentation() -> None:
    settings = Settings.from_env(COMPLETE)
    assert (settings.model, settings.lease_seconds, settings.concurrency) == ("gpt-4o", 15, 8)
    assert (settings.run_deadline_seconds, settings.node_pace_seconds) == (120, 0)
    assert (settings.budget_usd_per_day, str(settings.budget_timezone), settings.budget_day_seconds) == (
        50,
        "Asia/Seoul",
        86400,
    )
    assert settings.openai_secondary_base_url == ""
    assert (settings.tenant_concurrency, settings.batch_tries, settings.interactive_tries) == (32, 4, 1)
    assert (settings.retention.runs, settings.retention.checkpoints, settings.retention.usage) == (90, 7, 400)


def test_a_url_loses_its_trailing_slash() -> None:
    assert Settings.from_env(COMPLETE).chroma_url == "http://127.0.0.1:8000"


def test_every_missing_and_wrong_variable_is_named_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        Settings.from_env({"BUDGET_TIMEZONE": "Asia/Soul", "RESEARCH_ASSISTANT_CONCURRENCY": "many"})
    for name in (*SERVER_NEEDS, "BUDGET_TIMEZONE", "RESEARCH_ASSISTANT_CONCURRENCY"):
        assert name in str(caught.value)


def test_a_command_needs_only_what_it_says() -> None:
    assert Settings.from_env({"DATABASE_URL": COMPLETE["DATABASE_URL"]}, needs=("DATABASE_URL",)).chroma_url == ""


def test_the_key_may_come_from_a_file_and_the_file_wins(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("from-file\n")
    assert Settings.from_env({**COMPLETE, "OPENAI_API_KEY_FILE": str(key_file)}).openai_api_key == "from-file"


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "OPENAI_API_KEY_FILE" in problems(OPENAI_API_KEY_FILE=str(tmp_path / "missing"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://user:hidden@host/db"),
        ("DATABASE_URL", "postgresql://user:hidden@host:port/db"),
        ("CHROMA_URL", "127.0.0.1:8000"),
        ("RESEARCH_ASSISTANT_LEASE_SECONDS", "0"),
        ("RESEARCH_ASSISTANT_LEASE_SECONDS", "nan"),
        ("RESEARCH_ASSISTANT_RUN_DEADLINE_SECONDS", "inf"),
        ("RESEARCH_ASSISTANT_CONCURRENCY", "1"),
        ("RESEARCH_ASSISTANT_CONCURRENCY", "2.5"),
        ("RESEARCH_ASSISTANT_LOG_LEVEL", "loud"),
        ("BUDGET_DAY_SECONDS", "86401"),
        ("RESEARCH_ASSISTANT_BATCH_TRIES", "0"),
        ("RESEARCH_ASSISTANT_RETENTION_RUNS_DAYS", "-1"),
        ("RESEARCH_ASSISTANT_RETENTION_USAGE_DAYS", "1"),
        ("BUDGET_TIMEZONE", "../etc/passwd"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    assert name in problems(**{name: value})


def test_no_message_and_no_repr_shows_a_secret() -> None:
    assert "hidden" not in repr(Settings.from_env(COMPLETE))
    assert "hidden" not in problems(DATABASE_URL="mysql://user:hidden@host/db")
