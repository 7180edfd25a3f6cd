from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.core.promql import form, tokens
from bongsu.core.promql_check import fault, is_promql

GOOD = (
    'sum by (kind) (rate(x_total{a="b",c=~"d|e"}[5m] offset 1h)) / on (kind) group_left sum(y) > bool 0.5',
    "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))",
    'label_replace(up, "a", "$1", "b", "(.*)") unless on (a) (z offset -5m)',
    "max_over_time(rate(x[1m] @ end())[1h:30s])",
    "topk(3, quantile_over_time(0.9, x[5m]))",
)


PIECES = st.sampled_from((
    "sum", "(", ")", "up", "{", "}", 'job="api"', 'job!= "b-1"', '__name__="x"', 'job=~"a|("', 'job=""',
    "job='c'", "=", ",",
    '"d"', "[5m]", "[5]", "#", "\n", "by (a)", "offset 1h", "== 1", "label_replace(", '"\\"', '"=',
))  # fmt: skip


@given(st.one_of(st.sampled_from(GOOD), st.lists(PIECES, max_size=14).map("".join)))
def test_a_text_is_promql_exactly_when_its_form_is(text: str) -> None:
    assert is_promql(form(text)) == is_promql(text) == (fault(text) is None)


def test_a_form_keeps_all_that_a_parser_may_refuse() -> None:
    assert form('a{b="c", d!="e-1"} == "f"') == 'a{b="x", d!="x"} == "f"'
    for kept in ('a{b=~"c"}', 'a{b=""}', "a{b='c'}", 'a{__name__="b"}', 'a{b="c\\"}', 'f(x, "a")', '# b="c"'):
        assert form(kept) == kept


@pytest.mark.parametrize("text", GOOD)
def test_a_valid_expression_has_no_fault(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize(
    ("text", "rest", "message"),
    [
        ("sum(rate(x[5m]) > 3", "", "unclosed left parenthesis"),
        ("a ) b", ") b", "unexpected right parenthesis ')'"),
        ("sum(x[5m])", "[5m])", "expected type vector in aggregation expression, got matrix"),
        ("rate(x)", ")", "expected type matrix in call to function 'rate', got vector"),
        ("1 + foo(x)", "foo(x)", "unknown function with name 'foo'"),
        ("rate(x[5])", "5])", "the duration 5 has no unit, write 5s"),
        ("x offset 5", "5", "the duration 5 has no unit, write 5s"),
        ("x{a=b}", "b}", "unexpected identifier 'b' in label matching, expected string"),
        ("a = b", "= b", "cannot continue with '='"),
        (
            "max_over_time(rate(x[1m])[1h:30s]) @ end()",
            "@ end()",
            "@ modifier must be preceded by an vector selector or matrix selector or a subquery",
        ),
        ("a >> b", "> b", "cannot continue with '>'"),
        ("a +", "", "the expression ends too early"),
        ("", "", "the expression is empty"),
        ("# only a comment", "# only a comment", "the expression is empty"),
    ],
)
def test_a_fault_stands_at_the_first_token_that_nothing_can_rescue(text: str, rest: str, message: str) -> None:
    found = fault(text)
    assert found is not None
    assert (text[found.offset :], found.message) == (rest, message)


@given(st.sampled_from(GOOD), st.integers(0, 100), st.sampled_from([")", "]", "}", "= =", " offset ", '"', " by "]))
def test_a_fault_never_stands_before_what_was_broken(text: str, at: int, junk: str) -> None:
    at = min(at, len(text))
    found = fault(text[:at] + junk + text[at:])
    # A token that the junk cuts in two, such as a string, starts before it.
    start = min((token.offset for token in tokens(text) if token.offset <= at <= token.end), default=at)
    assert found is None or found.offset >= start
