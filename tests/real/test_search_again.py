"""A batch run whose tools were down searches again in its next try and answers; its finished nodes stay finished."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING

import pytest
from research_assistant import runs

from tests.real.support.assistant import CORPUS
from tests.real.support.jobs import ForkServer, Jobs, jobs
from tests.real.support.services import services
from tests.real.support.stand_ins import running
from tests.real.support.waiting import until
from tests.real.support.worker import REAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.support.pg import Postgres

QUESTION = "Compare error budgets and fencing tokens, with news from the web."


@pytest.fixture
def without_search(server: Postgres, forks: ForkServer, request: pytest.FixtureRequest) -> Iterator[tuple[Jobs, int]]:
    """Give the real graph with no document and a search that refuses connections; and the search's port."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    with services() as variables:
        down = {**variables, "SEARCH_URL": f"http://127.0.0.1:{port}"}
        with jobs(server, forks, request.node.name[5:40], graph=REAL, services=down, retry_seconds="2") as j:
            yield j, port


def test_a_run_that_found_nothing_because_search_was_down_finds_it_in_its_next_try(
    without_search: tuple[Jobs, int],
) -> None:
    j, port = without_search
    j.spawn()
    person, batch = *j.submit(QUESTION), *j.submit(QUESTION, priority="batch")
    until(lambda: j.rows("SELECT FROM run_events WHERE run_id = %s AND event = 'retried'", batch), "it is tried again")
    with running("bongsu.local.search", "--port", str(port), "--corpus", str(CORPUS / "web")):
        j.wait_final(person, batch)
        assert (j.run(person)["state"], j.run(person)["error_kind"]) == ("failed", "search")
        assert j.run(batch)["state"] == "done", j.run(batch)
        assert j.run(batch)["citations"]
        assert (
            j.one("SELECT count(*) FROM run_events WHERE run_id = %s AND event = 'started' AND node = 'planner'", batch)
            == 1
        )
        j.with_pool(partial(runs.replay, run_id=person))
        until(lambda: j.run(person)["state"] != "queued", "the replay is claimed")
        j.wait_final(person)
        assert j.run(person)["state"] == "done"
    assert j.rerun_nodes() == []
    assert j.forked_chains() == []


def test_a_search_that_stays_down_ends_each_try_and_at_last_the_run(without_search: tuple[Jobs, int]) -> None:
    j, _ = without_search
    j.environ["RESEARCH_ASSISTANT_RETRY_SECONDS"] = "0.1"
    j.spawn()
    (batch,) = j.submit(QUESTION, priority="batch")
    j.wait_final(batch)
    assert (j.run(batch)["state"], j.run(batch)["error_kind"], j.run(batch)["tries"]) == ("failed", "search", 3)


def test_an_order_whose_tool_worked_is_not_repeated() -> None:
    from research_assistant.nodes.again import send_again  # noqa: PLC0415

    state = {"failures": ["search"], "research": [{"tool": "web", "query": "a"}, {"tool": "documents", "query": "b"}]}
    assert [send.arg["query"] for send in send_again(state)] == ["a"]  # type: ignore[arg-type]
