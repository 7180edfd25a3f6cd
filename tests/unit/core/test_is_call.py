from __future__ import annotations

import pytest

from bongsu.core.promql import is_call


@pytest.mark.parametrize("text", ["sum(x)", " rate ( x{a=')'}[5m] ) ", 'f("(" , x)', "sum(rate(x[{{.window}}]))"])
def test_a_single_call_can_stand_beside_an_operator(text: str) -> None:
    assert is_call(text)


@pytest.mark.parametrize(
    "text", ["sum(x) + 1", "(x)", "x", "sum by (a) (x)", "f(x) or f(y)", "f(x", "", "f(')'", 'f(x) ")"', "f(x)[5m]"]
)
def test_all_else_needs_parentheses(text: str) -> None:
    assert not is_call(text)
