from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.core.durations import parse_duration
from bongsu.core.errors import UsageError
from bongsu.core.promql import Arm, arms, bare, compress, scale, selectors, tokens, windows

WINDOWS = st.sampled_from(["1s", "30s", "5m", "90m", "1h", "1h30m", "3d", "30d"])
NAMES = st.sampled_from(["up", "bongsu_x_total", "slo:sli:rate5m", "node_cpu_seconds_total"])
LABELS = st.sampled_from(['a="b"', 'path="[5m]"', 'q=~"x|offset 5m"', "c='\"'", "d=`[1h]`"])


@st.composite
def selections(draw: st.DrawFn) -> str:
    labels = ",".join(draw(st.lists(LABELS, max_size=2, unique=True)))
    offset = draw(st.sampled_from(["", " offset 5m", " offset -1h", " OFFSET 1d"]))
    return f"{draw(NAMES)}{{{labels}}}[{draw(WINDOWS)}]{offset}"


@st.composite
def expressions(draw: st.DrawFn) -> str:
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return f"sum by (kind) (rate({draw(selections())}))"
    if kind == 1:
        return f"max_over_time({draw(NAMES)}[{draw(WINDOWS)}:{draw(WINDOWS)}])"
    if kind == 2:
        return f"({draw(expressions())}) / {draw(st.integers(1, 99))} # per [5m]\n"
    if kind == 3:
        return f"({draw(expressions())}\n) and on (kind) ({draw(expressions())}\n) > {draw(st.integers(1, 500))}"
    return f"histogram_quantile(0.95, rate({draw(selections())}))"


@given(expressions())
def test_the_tokens_of_an_expression_joined_are_the_expression(text: str) -> None:
    assert "".join(token.text for token in tokens(text)) == text


@given(st.text(max_size=80))
def test_no_text_crashes_the_reader(text: str) -> None:
    assert "".join(token.text for token in tokens(text)) == text
    windows(text)
    selectors(text)
    arms(text)
    bare(text)


@given(expressions(), st.sampled_from([2.0, 7.0, 60.0, 360.0]))
def test_compressing_divides_every_window_and_stays_valid(text: str, factor: float) -> None:
    promql_parser.parse(text)
    faster = compress(text, factor)
    promql_parser.parse(faster)
    assert windows(faster) == [pytest.approx(window / factor, abs=0.0005) for window in windows(text)]


@given(expressions(), st.sampled_from([2.0, 60.0]))
def test_compressing_changes_durations_and_nothing_else(text: str, factor: float) -> None:
    def rest(source: str) -> list[str]:
        return [token.text for token in tokens(source) if token.kind != "duration"]

    assert rest(compress(text, factor)) == rest(text)
    assert compress(text, 1.0) == text


@pytest.mark.parametrize(
    ("text", "faster"),
    [
        ('rate(x{a="[5m]"}[5m] offset -1h) # [5m]', 'rate(x{a="[5m]"}[5s] offset -1m) # [5m]'),
        ("sum_over_time(y[30d:5m])", "sum_over_time(y[12h:5s])"),
        ("x > 300", "x > 300"),
        ("sum by (offset) (rate(x[1h]))", "sum by (offset) (rate(x[1m]))"),
        (":recorded:sum[1h:]", ":recorded:sum[1m:]"),
        ("x[1m]", "x[1s]"),
        ("x[30s]", "x[500ms]"),
    ],
)
def test_a_factor_of_sixty_turns_minutes_into_seconds(text: str, faster: str) -> None:
    assert compress(text, 60) == faster


def test_a_duration_below_the_resolution_is_refused() -> None:
    with pytest.raises(UsageError, match="time factor 60000 makes 5s shorter than 1 ms"):
        compress("x[5s]", 60_000)
    assert scale("0s", 60) == "0s"


def test_arms_are_cut_at_the_outermost_set_operators() -> None:
    assert arms('(a / b) < 1 and on (kind) (c{x="and"} >= 20) or d unless e > 3') == [
        [Arm("a / b", "<", "1"), Arm('c{x="and"}', ">=", "20")],
        [Arm("d"), Arm("e", ">", "3", negated=True)],
    ]


def test_parentheses_around_everything_are_looked_through() -> None:
    assert arms("((a > 1))") == [[Arm("a", ">", "1")]]
    assert arms("(a) > (1)") == [[Arm("a", ">", "(1)")]]


@given(expressions())
def test_the_selectors_are_those_the_parser_sees(text: str) -> None:
    seen: list[str] = []

    def visit(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            seen.append(str(node.name))
        if isinstance(node, promql_parser.MatrixSelector):
            seen.append(str(node.vector_selector.name))

    promql_parser.walk(promql_parser.parse(text), pre_visit=visit)
    assert sorted({selector.name for selector in selectors(text)}) == sorted(set(seen))


def test_a_selector_knows_its_matchers_and_where_they_stand() -> None:
    text = 'sum by (le) (rate(x_bucket{class="simple",le!="1"}[5m])) + {__name__="y"} + z'
    found = selectors(text)
    assert [selector.name for selector in found] == ["x_bucket", "y", "z"]
    assert [(m.label, m.op, m.value, text[m.offset :][:3]) for m in found[0].matchers] == [
        ("class", "=", "simple", "cla"),
        ("le", "!=", "1", "le!"),
    ]
    assert text[: found[0].end].endswith("}")


def test_comments_are_dropped_and_strings_kept() -> None:
    assert bare('x{a="#"} # why\n> 1 # end') == 'x{a="#"} \n> 1'
    assert parse_duration("5m") == 300
