from __future__ import annotations

import pytest

from bongsu.core.diagnostics import Span
from bongsu.core.positions import inside
from bongsu.core.yaml import load_documents

TEXTS = {
    "plain": "a:\n  expr: sum(x) > HERE\n",
    "quoted": 'a:\n  expr: "sum(x) > HERE"\n',
    "literal": "a:\n  expr: |\n    sum(x)\n    > HERE\n",
    "literal after blank lines": "a:\n  expr: |\n\n    sum(x)\n\n    > HERE\n",
    "flow": "a: {expr: 'sum(x) > HERE', b: 1}\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_character_of_a_scalar_is_found_in_its_file(text: str) -> None:
    (document,) = load_documents(text, "f.yaml")[0]
    node = document.value["a"].value["expr"]
    value = node.value.strip("\n")
    found = inside(text, node.span, value, value.index("HERE"), 4)
    assert text.splitlines()[found.line - 1][found.column - 1 :][: found.width] == "HERE"


def test_what_cannot_be_followed_keeps_the_place_of_its_scalar() -> None:
    text = "expr: >-\n  sum(x)\n  > HERE\n"
    (document,) = load_documents(text, "f.yaml")[0]
    node = document.value["expr"]
    assert inside(text, node.span, node.value, 9) == node.span
    assert inside("", Span("f", 7), "x", 0) == Span("f", 7)
