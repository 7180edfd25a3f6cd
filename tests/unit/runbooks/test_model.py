from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.core.diagnostics import Span
from bongsu.core.promql import Expression
from bongsu.runbooks.model import ActionStep, Expectation, ProbeStep, QueryStep, named, parse_expectation


@pytest.mark.parametrize("text", ["> 1", ">=0.95", "< -3", "== 0", "!= 2.5", "<= 10", "empty"])
def test_an_expectation_is_a_comparison_or_empty(text: str) -> None:
    assert str(parse_expectation(text)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["", "1", "=> 1", "> x", "> 1 and < 3", "EMPTY"])
def test_anything_else_is_no_expectation(text: str) -> None:
    with pytest.raises(ValueError, match="is not an expectation"):
        parse_expectation(text)


def test_every_sample_must_meet_the_comparison_and_none_meets_nothing() -> None:
    above = Expectation(">", 1)
    assert above.complaint([2, 3]) is None
    assert above.complaint([2, 1]) == "expected > 1, got 1"
    assert above.complaint([]) == "expected > 1, got no sample"
    assert above.complaint([float("nan")]) == "expected > 1, got nan"
    assert Expectation("empty").complaint([]) is None
    assert Expectation("empty").complaint([0.0]) == "expected no sample, got 1"


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_comparison_and_its_opposite_never_agree(value: float, sample: float) -> None:
    for one, other in (("<", ">="), (">", "<="), ("==", "!=")):
        agreed = [Expectation(op, value).complaint([sample]) is None for op in (one, other)]
        assert agreed.count(True) == 1


def test_a_query_step_is_compressed_and_others_have_no_time() -> None:
    step = QueryStep("Verify", Expression("rate(x[5m]) > 300", Span("f")), None, 600, Span("f"))
    faster = step.compressed(60)
    assert (faster.expr.text, faster.within) == ("rate(x[5s]) > 300", 10)
    for other in (ActionStep("Act", "a", {}, Span("f")), ProbeStep("Verify", Span("f"))):
        assert other.compressed(60) == other


def test_names_of_files() -> None:
    assert named("A.md") == ("A", "en")
    assert named("A.ko.md") == ("A", "ko")
