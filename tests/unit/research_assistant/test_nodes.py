from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from research_assistant.errors import RunError
from research_assistant.graph import send_researchers
from research_assistant.nodes.critic import criticize
from research_assistant.nodes.synthesizer import synthesize

if TYPE_CHECKING:
    from research_assistant.services import Services
    from research_assistant.state import Passage

NONE = cast("Services", None)
"""These paths end before any service is used."""
PASSAGE: Passage = {"source": "web", "title": "Page", "url": "https://e.org", "text": "A lease ends by itself."}


@pytest.mark.parametrize(("failures", "kind"), [([], "citations"), (["search"], "search"), (["vector"], "vector")])
async def test_without_passages_a_run_fails_for_the_reason_why(failures: list[str], kind: str) -> None:
    with pytest.raises(RunError) as raised:
        await synthesize(NONE, {"question": "Why?", "passages": [], "failures": failures})
    assert raised.value.kind == kind


@pytest.mark.parametrize(("failures", "kind"), [([], "citations"), (["vector"], "vector")])
async def test_a_draft_that_nothing_supports_fails_the_run(failures: list[str], kind: str) -> None:
    with pytest.raises(RunError) as raised:
        await criticize(NONE, {"draft": "It never ends. [1]", "passages": [PASSAGE], "failures": failures})
    assert raised.value.kind == kind


async def test_a_lost_tool_does_not_fail_a_run_that_is_supported() -> None:
    state = await criticize(NONE, {"draft": f"{PASSAGE['text']} [1]", "passages": [PASSAGE], "failures": ["search"]})
    assert state["answer"] == "A lease ends by itself. [1]"


def test_each_order_of_the_plan_starts_a_researcher() -> None:
    sent = send_researchers({"research": [{"tool": "documents", "query": "a"}, {"tool": "web", "query": "b"}]})
    assert [(send.node, send.arg["query"]) for send in sent] == [("researcher", "a"), ("researcher", "b")]
