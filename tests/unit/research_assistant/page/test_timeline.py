from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from research_assistant.page.timeline import Moment, Row, rows

START = datetime(2026, 11, 28, tzinfo=UTC)


def told(*moments: tuple[str, str, float]) -> list[Row]:
    return rows(Moment(event, node, START + timedelta(seconds=after)) for event, node, after in moments)


def test_a_run_is_told_from_the_queue_to_the_answer() -> None:
    made = told(
        ("queued", "", 0.0),
        ("claimed", "", 0.5),
        ("started", "planner", 0.5),
        ("finished", "planner", 1.0),
        ("started", "researcher", 1.0),
        ("started", "researcher", 1.25),
        ("finished", "researcher", 2.0),
        ("finished", "researcher", 3.25),
        ("done", "", 4.0),
    )
    assert made == [
        Row("queued", 0.0),
        Row("claimed", 0.5),
        Row("planner", 0.5, "finished", 0.5),
        Row("researcher", 1.0, "finished", 1.0),
        Row("researcher", 1.25, "finished", 2.0),
        Row("done", 4.0),
    ]


@pytest.mark.parametrize("event", ["claimed", "released", "retried", "failed", "cancelled"])
def test_a_node_that_never_finished_is_interrupted_by_what_ends_the_try(event: str) -> None:
    made = told(("claimed", "", 0.0), ("started", "planner", 0.0), (event, "", 9.0))
    assert [row.state for row in made] == ["", "dropped", ""]


def test_a_node_that_began_is_at_work() -> None:
    assert told(("started", "critic", 0.0))[0].state == "working"


def test_an_end_without_a_beginning_is_no_row() -> None:
    assert told(("finished", "critic", 0.0)) == []
