from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from research_assistant import tries
from research_assistant.runs import Run
from research_assistant.settings import Settings

from bongsu.core.conventions import ERROR_KINDS

RUN = Run(
    id=UUID(int=1),
    owner="me",
    tenant="me",
    priority="batch",
    session_id=None,
    question="why?",
    state="running",
    tries=0,
    answer=None,
    citations=[],
    run_class=None,
    error_kind=None,
    error_detail=None,
    submitted_at=datetime(2026, 11, 28, tzinfo=UTC),
    started_at=None,
    finished_at=None,
    fence=1,
    traceparent=None,
)


def seconds(run: Run, kind: str = "llm_server", share: float = 1.0, **changes: str) -> float | None:
    settings = Settings.from_env({f"RESEARCH_ASSISTANT_{k.upper()}": v for k, v in changes.items()}, needs=())
    pause = tries.pause(settings, run, kind, lambda low, high: low + share * (high - low))
    return None if pause is None else pause.total_seconds()


def test_a_batch_run_has_four_tries_with_doubled_pauses() -> None:
    assert [seconds(replace(RUN, tries=n)) for n in range(4)] == [5, 10, 20, None]


def test_jitter_takes_away_up_to_half() -> None:
    assert seconds(RUN, share=0) == 2.5


def test_no_pause_is_longer_than_the_longest() -> None:
    assert seconds(replace(RUN, tries=9), batch_tries="20") == 300


def test_a_person_is_told_at_once_unless_configured_otherwise() -> None:
    urgent = replace(RUN, priority="interactive")
    assert seconds(urgent) is None
    assert seconds(urgent, interactive_tries="2") == 5


@pytest.mark.parametrize("kind", sorted(set(ERROR_KINDS) - tries.PASSING))
def test_what_does_not_pass_by_itself_is_not_tried_again(kind: str) -> None:
    assert seconds(RUN, kind) is None


def test_the_kinds_that_pass_are_known_kinds() -> None:
    assert set(ERROR_KINDS) >= tries.PASSING
