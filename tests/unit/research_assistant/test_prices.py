from __future__ import annotations

from pathlib import Path

import pytest
from research_assistant import prices

from bongsu.core.errors import SpecError, UsageError


def test_the_month_planned_in_the_mission_costs_what_it_says() -> None:
    chat, embeddings = prices.of("gpt-4o"), prices.of("text-embedding-3-small")
    assert chat.cost(50_000_000, 20_000_000) == pytest.approx(500 + 600)
    assert embeddings.cost(100_000_000, 0) == pytest.approx(20)


def test_a_small_call_is_not_rounded_away() -> None:
    assert prices.Price(0.01, 0.03).cost(1, 1) == pytest.approx(0.00004)


def test_input_that_was_cached_costs_what_the_table_says_of_it_and_else_what_all_input_costs() -> None:
    assert prices.Price(0.01, 0.03, 0.0025).cost(1_000, 0, 400) == pytest.approx(0.6 * 0.01 + 0.4 * 0.0025)
    assert prices.Price(0.01, 0.03).cost(1_000, 0, 400) == pytest.approx(0.01)


def test_a_price_of_cached_input_is_read(tmp_path: Path) -> None:
    table = tmp_path / "prices.yaml"
    models = "m: {input: 1, output: 2, cached_input: 0.5}"
    table.write_text(f"source: a test\ndate: 2026-11-23\nmodels:\n  {models}\n", encoding="utf-8")
    assert prices.load(table) == {"m": prices.Price(1, 2, 0.5)}


def test_a_model_without_a_price_cannot_be_used() -> None:
    with pytest.raises(UsageError, match="the price of gpt-9 is unknown"):
        prices.of("gpt-9")


@pytest.mark.parametrize(
    ("models", "problem"),
    [
        ("gpt-4o: {input: 0.01}", "output is missing"),
        ("gpt-4o: {input: cheap, output: 1}", "must be a number"),
        ("gpt-4o: {input: -1, output: 1}", "negative price"),
        ("gpt-4o: {input: 1, output: 1, cached: 1}", "unknown key"),
        ("gpt-4o: {input: 1, output: 1, cached_input: -1}", "negative price"),
    ],
)
def test_a_wrong_table_is_reported_where_it_is_wrong(tmp_path: Path, models: str, problem: str) -> None:
    table = tmp_path / "prices.yaml"
    table.write_text(f"source: a test\ndate: 2026-11-23\nmodels:\n  {models}\n", encoding="utf-8")
    with pytest.raises(SpecError) as raised:
        prices.load(table)
    assert any(problem in found.what and found.span.line == 4 for found in raised.value.problems)
