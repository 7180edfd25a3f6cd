"""Numbers and names of Sloth's rules; whole rules are judged in tests/golden/test_sloth.py."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.core.durations import parse_duration
from bongsu.slo.load import load
from bongsu.slo.model import Ratio, Raw, Slo, Spend
from bongsu.slo.sloth.compat import BUILT_IN, Flags, compile_slo, dead, expressible, go_duration, go_number, of_slo
from bongsu.slo.sloth.files import compile_files, documents_of, without_windows
from bongsu.slo.windows import DAY
from tests.support.rule_equality import groups_of

ROOT = Path(__file__).parents[4]
GOLDENS = ROOT / "tests/golden/sloth"
RATIO = (GOLDENS / "01-ratio.yaml").read_text(encoding="utf-8")
ALPHA = (GOLDENS / "07-openslo.yaml").read_text(encoding="utf-8")
OURS: Slo = load({"slo/x.yaml": (ROOT / "slo/research-assistant.yaml").read_text(encoding="utf-8")})[0].slos[0]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (300, "5m"),
        (5400, "1h30m"),
        (DAY, "1d"),
        (7 * DAY, "1w"),
        (28 * DAY, "4w"),
        (30 * DAY, "30d"),
        (90 * DAY, "90d"),
    ],
)
def test_durations_are_gos_which_says_weeks_when_they_are_whole(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


@given(st.integers(1, 10**10))
def test_a_duration_means_what_it_says(milliseconds: int) -> None:
    assert parse_duration(go_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1e-6)


@given(st.floats(0.0001, 99.9999))
def test_a_number_reads_back_as_itself(value: float) -> None:
    assert float(go_number(value)) == value
    assert not go_number(value).endswith(".0")


def test_one_of_our_slos_gets_sloths_rules_and_the_labels_that_our_routes_look_at() -> None:
    groups = compile_slo(of_slo(OURS), OURS.spec, BUILT_IN[30 * DAY], Flags())
    slis, metadata, alerts = groups
    assert [len(group.rules) for group in groups] == [8, 7, 2]
    assert slis.name == "sloth-slo-sli-recordings-research-assistant-answers-succeed"
    assert slis.rules[0].expr == (
        '(sum(rate(bongsu_events_total{kind="run",outcome="bad"}[5m])))\n/\n'
        '(sum(rate(bongsu_events_total{kind="run",outcome=~"good|bad"}[5m])))\n'
    )
    assert metadata.rules[-1].labels["sloth_objective"] == "99"
    assert metadata.rules[-1].labels["sloth_mode"] == "cli-gen-openslo"
    assert [dict(alert.labels) for alert in alerts.alerts()] == [
        {"service": "research-assistant", "severity": "critical", "sloth_severity": "page"},
        {"service": "research-assistant", "severity": "warning", "sloth_severity": "ticket"},
    ]


def test_labels_of_ours_stand_where_sloth_puts_an_slos_labels() -> None:
    slis, metadata, alerts = compile_slo(
        of_slo(replace(OURS, labels={"team": "a"})), OURS.spec, BUILT_IN[30 * DAY], Flags()
    )
    assert {rule.labels.get("team") for rule in (*slis.rules, *metadata.rules)} == {"a"}
    assert all("team" not in alert.labels for alert in alerts.alerts())  # it comes with the series


def test_a_good_query_of_ours_becomes_the_ratio_that_sloth_makes_of_openslo() -> None:
    assert isinstance(OURS.indicator, Ratio)
    good = replace(OURS, indicator=Ratio(OURS.indicator.total, good=OURS.indicator.bad))
    expr = compile_slo(of_slo(good), good.spec, BUILT_IN[30 * DAY], Flags())[0].rules[0].expr
    assert expr.split()[:3] == ["(", "1", "-"]


def test_sloth_has_words_for_ratios_and_shares_of_errors_only() -> None:
    assert isinstance(OURS.indicator, Ratio)
    query = OURS.indicator.total
    assert expressible(OURS)
    assert expressible(replace(OURS, indicator=Raw(query, success=False)))
    for other in (Raw(query, success=True), Spend(query, Decimal(5)), Ratio(query, query, counter=False)):
        assert not expressible(replace(OURS, indicator=other))


def test_a_period_without_windows_is_a_problem_at_the_slo() -> None:
    documents, catalogues = documents_of({"slo/x.yaml": ALPHA.replace("count: 30", "count: 14")})
    problems = without_windows(documents, catalogues, Flags())
    assert [(problem.code, problem.span.line) for problem in problems] == [("spec/value", 4), ("spec/value", 4)]
    assert without_windows(*documents_of({"slo/x.yaml": ALPHA}), Flags()) == []
    assert without_windows(*documents_of({"slo/x.yaml": RATIO}), Flags(period="7d")) != []


def test_conditions_that_cannot_fire_are_named() -> None:
    ((document, *_), catalogues) = documents_of({"slo/x.yaml": RATIO.replace("99.95", "90")})
    assert dead(document.slos[0], catalogues[30 * DAY]) == ["page-quick"]
    low = replace(document.slos[0], objective=60.0)
    assert dead(low, catalogues[30 * DAY]) == ["page-quick", "page-slow", "ticket-quick"]
    assert dead(replace(low, page=None, objective=99.0), catalogues[30 * DAY]) == []


def test_the_output_does_not_depend_on_the_order_of_files_and_equal_stems_share_one() -> None:
    one, two = RATIO, RATIO.replace("checkout", "refunds")
    made = compile_files(*documents_of({"slo/a.yaml": one, "slo/a.yml": two}), Flags())
    assert made == compile_files(*documents_of({"slo/a.yml": two, "slo/a.yaml": one}), Flags())
    assert list(made) == ["a.rules.yml"]
    assert len(groups_of(made["a.rules.yml"])) == 6
    assert made["a.rules.yml"].startswith("# DO NOT EDIT: compiled by `bongsu compile` from slo/a.yaml, slo/a.yml\n")


@given(st.decimals(Decimal("0.5"), Decimal("99.9999"), places=4))
def test_the_budget_is_what_go_computes_and_prints(objective: Decimal) -> None:
    documents, catalogues = documents_of({"slo/x.yaml": RATIO.replace("99.95", str(objective))})
    page = compile_slo(documents[0].slos[0], "prometheus/v1", catalogues[30 * DAY], Flags())[2].rules[0].expr
    assert f"(14.4 * {go_number((100 - float(objective)) / 100)})" in page
