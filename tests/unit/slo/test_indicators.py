from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bongsu.core.diagnostics import Span
from bongsu.core.promql import Expression
from bongsu.slo.indicators import base_rates, reads_native_histograms
from bongsu.slo.load import load
from bongsu.slo.model import Ratio, Slo

SPEC = Path(__file__).parents[3] / "slo/research-assistant.yaml"
RATE = "sum(rate(answer_seconds[{{.window}}]))"
QUICK = f"histogram_fraction(0, 10, {RATE}) * histogram_count({RATE})"


def slo(good: str, total: str) -> Slo:
    found = load({"slo/x.yaml": SPEC.read_text(encoding="utf-8")})[0].slos[0]
    return replace(found, indicator=Ratio(Expression(total, Span("")), good=Expression(good, Span(""))))


def test_a_share_of_a_native_histogram_is_dropped_while_it_is_no_number_and_has_no_births() -> None:
    bad, total = base_rates(slo(QUICK, f"histogram_count({RATE})"), "5m")
    assert total == "(histogram_count(sum(rate(answer_seconds[5m])))) >= 0"
    assert f"({QUICK.replace('{{.window}}', '5m')}) >= 0\nor\n0 * " in bad
    assert "unless" not in bad + total


def test_a_counter_whose_name_holds_the_word_is_a_counter() -> None:
    bad, total = base_rates(
        slo("sum(rate(histogram_ok_total[{{.window}}]))", "sum(rate(histogram_total[{{.window}}]))"), "5m"
    )
    assert "histogram_ok_total unless histogram_ok_total offset 5m" in bad
    assert "histogram_total unless histogram_total offset 5m" in total


@pytest.mark.parametrize(
    ("query", "native"),
    [
        (QUICK, True),
        (f"histogram_count ({RATE})", True),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))", False),
        ("rate(histogram_count_total[5m])", False),
    ],
)
def test_functions_of_native_histograms_are_known(query: str, native: bool) -> None:
    assert reads_native_histograms(query) is native
