"""Rule files written by stencil are those of the plain way, to the byte."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.support.catalogue import slo_files
from bongsu.slo.compile import compile_slo, compile_slos, file_name
from bongsu.slo.load import load
from bongsu.slo.rules import Links, rule_file

LINKS = Links("https://git.example.com/x", "https://grafana.example.com")


def both(texts: dict[str, str], factor: float = 1.0) -> tuple[dict[str, str], dict[str, str]]:
    slos, problems = load(texts)
    assert [problem for problem in problems if not problem.code.startswith("yaml/")] == []
    plain = {
        file_name(slo): rule_file(compile_slo(slo, windows, LINKS, factor), slo.span.file)
        for slo, windows in slos.watched()
    }
    return compile_slos(slos, LINKS, factor), plain


@pytest.mark.parametrize("factor", [1.0, 60.0])
def test_a_hundred_slos_of_many_shapes_are_the_same_both_ways(factor: float) -> None:
    fast, plain = both(slo_files(100), factor)
    assert fast == plain


@given(
    title=st.text(
        st.characters(
            codec="utf-8", exclude_characters='"\\\n\r\x85\u2028\u2029\t', min_codepoint=32, exclude_categories=["Cc"]
        )
    )
    | st.sampled_from(["it's", "gap-service", "no", "5m", "The gap: title"]),
    name=st.sampled_from(["no", "on", "y", "5m", "007", "a", "null", "gap-name", "api-answers"]),
    query=st.sampled_from(["0 + up", "up{a='b'}", "(up)", "rate(gap_query[{{.window}}])"]),
)
@settings(max_examples=200, deadline=None)
def test_names_and_titles_that_need_quotes_are_the_same_both_ways(title: str, name: str, query: str) -> None:
    text = (
        slo_files(2)["service-0.yaml"].replace("service-0", f'"{name}"').replace("Promise 0: requests succeed", title)
    )
    query = query if "{{.window}}" in query else f"{query} + 0 * rate(up[{{{{.window}}}}])"
    fast, plain = both(
        {"x.yaml": text.replace("sum(rate(bongsu_events_total", f"sum({query} + rate(bongsu_events_total")}
    )
    assert fast == plain
