from __future__ import annotations

from typing import Any

import pytest
from research_assistant.search import MAX_TEXT_CHARS, PASSAGES, passages


def result(**changes: Any) -> dict[str, Any]:
    return {"title": "Page", "url": "https://example.org/page", "content": "It is so."} | changes


def test_results_become_passages() -> None:
    found = passages({"results": [result(content="# Head\n\nFirst\nline.\n\n- item", title=" A \n page ")]})
    assert found == [
        {"source": "web", "title": "A page", "url": "https://example.org/page", "text": "First line.\n\nitem"}
    ]


@pytest.mark.parametrize(
    "useless",
    [
        None,
        "text",
        result(url="javascript:alert(1)"),
        result(url="file:///etc/passwd"),
        result(url="https://[half"),
        result(url=None),
        result(title=7),
        result(content=None),
        result(content=" "),
    ],
)
def test_a_result_that_cannot_be_cited_is_left_out(useless: Any) -> None:
    assert passages({"results": [useless, result()]}) == passages({"results": [result()]})


@pytest.mark.parametrize("answer", [None, [], "text", {}, {"results": None}, {"results": {}}])
def test_what_is_not_an_answer_is_refused(answer: Any) -> None:
    with pytest.raises(ValueError, match="no list of results"):
        passages(answer)


def test_results_are_bounded_in_number_and_length() -> None:
    found = passages({"results": [result(url=f"https://e.org/{i}", content="a " * 5_000) for i in range(20)]})
    assert len(found) == PASSAGES
    assert all(len(passage["text"]) <= MAX_TEXT_CHARS for passage in found)
