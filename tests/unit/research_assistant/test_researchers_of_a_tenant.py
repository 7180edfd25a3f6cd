"""Whoever starts a researcher names the tenant: without one it would see shared documents only."""

from __future__ import annotations

from research_assistant.graph import send_researchers
from research_assistant.nodes.again import send_again
from research_assistant.state import RunState

RUN: RunState = {
    "tenant": "a",
    "research": [{"tool": "documents", "query": "lease"}, {"tool": "web", "query": "lease"}],
    "failures": ["vector"],
}


def test_the_first_researchers_search_for_the_tenant_of_the_run() -> None:
    assert [order.arg for order in send_researchers(RUN)] == [{**each, "tenant": "a"} for each in RUN["research"]]


def test_the_researchers_of_a_later_try_search_for_it_too() -> None:
    assert [order.arg for order in send_again(RUN)] == [{"tool": "documents", "query": "lease", "tenant": "a"}]


def test_a_run_of_an_older_worker_has_no_tenant_and_sees_shared_documents() -> None:
    older: RunState = {"research": RUN["research"][:1], "failures": []}
    assert [order.arg["tenant"] for order in send_researchers(older)] == [None]
