from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.core.diagnostics import Problem, Span
from bongsu.core.yaml import Reader, load_documents


def read(text: str) -> tuple[list[Any], list[Problem]]:
    nodes, problems = load_documents(text, "f.yaml")
    return [node.plain() for node in nodes], problems


def test_plain_values_keep_their_types() -> None:
    assert read("a: 1\nb: 1.5\nc: true\nd: text\ne: '5'\nf: [1, 5m]\n") == (
        [{"a": 1, "b": 1.5, "c": True, "d": "text", "e": "5", "f": [1, "5m"]}],
        [],
    )


def test_a_duplicate_key_is_reported_with_both_lines() -> None:
    (problem,) = read("a: 1\nb: 2\na: 3\n")[1]
    assert (problem.code, problem.span.line, problem.what) == (
        "yaml/duplicate-key",
        3,
        "key 'a' stands twice, first on line 1",
    )


@pytest.mark.parametrize("trap", ["no", "yes", "on", "Off", "0600", "1:30"])
def test_a_yaml_1_1_trap_is_an_error_not_a_guess(trap: str) -> None:
    assert [p.code for p in read(f"key: {trap}\n")[1]] == ["yaml/trap"]
    assert read(f"key: '{trap}'\n") == ([{"key": trap}], [])


def test_a_syntax_error_names_its_place() -> None:
    (problem,) = read("a: 1\nb: [1, 2\nc: 3\n")[1]
    assert problem.code == "yaml/syntax"
    assert problem.span.line == 3


def test_aliases_are_refused_so_that_no_alias_bomb_is_expanded() -> None:
    (problem,) = read("a: &x [1]\nb: [*x, *x]\n")[1]
    assert problem.code == "yaml/syntax"
    assert "aliases are not supported" in problem.what


def test_an_anchor_that_stands_twice_is_refused_in_a_document_and_allowed_in_the_next() -> None:
    (problem,) = read("a: &x 1\nb: &x 2\n")[1]
    assert (problem.code, problem.span.line) == ("yaml/syntax", 2)
    assert "found duplicate anchor 'x'" in problem.what
    assert read("a: &x 1\n---\nb: &x 2\n") == ([{"a": 1}, {"b": 2}], [])


def test_what_stands_under_a_key_that_is_none_is_passed_over() -> None:
    values, problems = read("[a, b]: {c: yes, c: no}\n? {d: e}\n: - f\n<<: {g: 1}\nh: 2\n")
    assert values == [{"h": 2}]
    assert [(p.code, p.span.line) for p in problems] == [("yaml/key", 1), ("yaml/key", 2), ("yaml/key", 4)]


def test_a_quoted_key_may_be_what_a_plain_one_may_not() -> None:
    assert read("'<<': 1\n\"yes\": 2\n") == ([{"<<": 1, "yes": 2}], [])


LINES = st.sampled_from((
    "a: 1", "b: no", "  c: [x, {d: 'e'}]", "  - f: g", "- h", "? [i]", ": j", "k: |", "  text", "l: >-", "---",
    "'m': \"\\ud800\"", "<<: {n: 1}", "o: *p", "!!str q: !!int 5", "r: ! 7", "한: 국", "# s", "", "t: [", "]", "}",
))  # fmt: skip


def places(node: Any, above: int) -> Any:
    """Return a value with the place of each of its parts and keys, `above` lines up."""
    value = node.value
    if isinstance(value, list):
        value = [places(item, above) for item in value]
    elif isinstance(value, dict):
        value = {key: (places(item, above), raised(node.key_span(key), above)) for key, item in value.items()}
    return raised(node.span, above), type(value), value


def raised(span: Span, above: int) -> Span:
    return span._replace(line=span.line - above)


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_libyaml_and_pyyaml_see_the_same_values_places_and_problems(text: str) -> None:
    fast, slow = load_documents(f"#\n{text}\n", "f.yaml"), load_documents(f"# %\n\n{text}\n", "f.yaml")
    assert [places(node, 1) for node in fast[0]] == [places(node, 2) for node in slow[0]]
    assert [(p.code, raised(p.span, 1)) for p in fast[1]] == [(p.code, raised(p.span, 2)) for p in slow[1]]


def test_a_file_larger_than_the_bound_is_refused_unread() -> None:
    assert [p.code for p in read("a: " + "x" * 1_000_001)[1]] == ["yaml/too-large"]


@given(st.text(max_size=200))
def test_no_text_crashes_the_loader(text: str) -> None:
    load_documents(text, "f.yaml")


def reader(text: str) -> Reader:
    (node,), problems = load_documents(text, "f.yaml")
    return Reader(node, problems)


def test_an_unknown_key_is_reported_with_the_nearest_known_one() -> None:
    root = reader("objectiv: 0.99\n")
    root.number("objective", 0.9)
    root.done()
    (problem,) = root.problems
    assert (problem.code, problem.fix) == ("spec/unknown-key", "did you mean `objective`?")


def test_every_wrong_value_of_a_mapping_is_reported_in_one_pass() -> None:
    root = reader("name: 5\nport: text\nflag: 1\n")
    root.text("name")
    root.integer("port")
    root.flag("flag")
    root.text("missing")
    assert [(p.code, p.span.line) for p in root.problems] == [
        ("spec/type", 1),
        ("spec/type", 2),
        ("spec/type", 3),
        ("spec/missing-key", 1),
    ]


def test_a_boolean_is_not_taken_for_a_number() -> None:
    root = reader("port: true\n")
    assert root.integer("port") == 0
    assert [p.code for p in root.problems] == ["spec/type"]
