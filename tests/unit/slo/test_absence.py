"""No data is not no traffic: which SLO has an absence alert, what it can tell, and what it never reads."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import promql_parser
import pytest

from bongsu.core.diagnostics import Span
from bongsu.core.promql import Expression
from bongsu.dashboards.load import load as load_dashboards
from bongsu.dashboards.resolve import resolve
from bongsu.slo.absence import NAME, has_alarm, is_job, job_of, reasons
from bongsu.slo.compile import compile_slo, compile_slos, file_name
from bongsu.slo.load import load
from bongsu.slo.model import Exclusion, Indicator, Ratio, Raw, Slo, Slos, Spend, Threshold, Timeslices
from bongsu.slo.rules import Alerting, Links, rule_file
from bongsu.slo.windows import fit, load_rules

TEXT = (Path(__file__).parents[3] / "slo/research-assistant.yaml").read_text(encoding="utf-8")
LINKS = Links("https://git.example.com/x", "https://grafana.example.com")
SLO: Slo = replace(load({"slo/x.yaml": TEXT})[0].slos[0], job=None)
ALL = ("target_down", "vanished", "never_born")


def query(text: str) -> Expression:
    return Expression(text, Span("f"))


def of(total: str, bad: str = 'sum(rate(e{job="errors"}[{{.window}}]))') -> Slo:
    return replace(SLO, indicator=Ratio(query(total), bad=query(bad)))


def rules(slo: Slo, factor: float = 1.0) -> list[Alerting]:
    windows = fit(load_rules(), slo.period, slo.objective, slo.events)
    return [rule for rule in compile_slo(slo, windows, LINKS, factor).alerts() if rule.alert == NAME]


def annotated(value: str) -> tuple[Slos, list[str]]:
    slos, problems = load({"slo/x.yaml": TEXT.replace("bongsu/job: worker", f"bongsu/job: {value}")})
    return slos, [f"{problem.code} {problem.span.line}" for problem in problems]


@pytest.mark.parametrize(
    ("total", "job"),
    [
        ('sum(rate(a{job="api"}[{{.window}}]))', "api"),
        ('sum(rate(a{job="api"}[{{.window}}])) + sum(rate(b{job="api",x="y"}[{{.window}}]))', "api"),
        ('sum(rate({__name__="a", job="monitoring/api"}[{{.window}}]))', "monitoring/api"),
        ('sum(rate(a{job="api"}[{{.window}}])) + sum(rate(b{job="web"}[{{.window}}]))', ""),
        ('sum(rate(a{job=~"api|web"}[{{.window}}]))', ""),
        ('sum(rate(a{job!="api"}[{{.window}}]))', ""),
        ('sum(rate(a{job="two words"}[{{.window}}]))', ""),
        ('sum by (job) (rate(a{x="job"}[{{.window}}]))', ""),
        ("", ""),
    ],
)
def test_the_job_is_the_one_the_total_names(total: str, job: str) -> None:
    assert job_of(of(total)) == job


@pytest.mark.parametrize(
    ("indicator", "told"),
    [
        (Ratio(query('rate(a{job="x"}[{{.window}}])'), bad=query("b")), ALL),
        (Ratio(query('a{job="x"}'), bad=query("b"), counter=False), ALL),
        (Ratio(query("rate(a[{{.window}}])"), bad=query("b")), ALL[1:]),
        (Spend(query('rate(usd{job="x"}[{{.window}}])'), Decimal(100)), ALL),
        (Raw(query('a{job="x"} / b{job="x"}'), success=True), ALL[:1]),
        (Threshold(query('up{job="x"}'), "gte", Decimal(1)), ALL[:1]),
        (Timeslices(Ratio(query('rate(a{job="x"}[{{.window}}])'), bad=query("b")), "1m", None), ALL[:1]),
        (Raw(query("a / b"), success=True), ()),
    ],
    ids=["counters", "gauges", "counters of no job", "spend", "raw", "threshold", "slices", "nothing to go by"],
)
def test_what_can_be_told_follows_from_what_is_counted(indicator: Indicator, told: tuple[str, ...]) -> None:
    slo = replace(SLO, indicator=indicator)
    assert reasons(slo) == told
    assert has_alarm(slo) == bool(told)
    assert [reason for rule in rules(slo) for reason in ALL if f'"{reason}", "", "")' in rule.expr] == list(told)


def test_error_counters_and_the_systems_own_series_are_never_looked_at() -> None:
    (rule,) = rules(of('sum(rate(requests_total{job="api"}[{{.window}}]))'))
    assert "errors" not in rule.expr
    assert "requests_total" not in rule.expr
    assert 'events="bad"' not in rule.expr


def test_the_rule_is_a_ticket_that_names_its_slo_and_job_in_both_languages() -> None:
    (rule,) = rules(replace(SLO, job="api"))
    assert rule.hold == 300
    assert rule.labels == {
        "severity": "warning",
        "service": "research-assistant",
        "rule": "absence",
        "sloth_id": "research-assistant-answers-succeed",
        "sloth_service": "research-assistant",
        "sloth_slo": "answers-succeed",
    }
    assert rule.annotations["runbook_url"] == "https://git.example.com/x/runbooks/SliAbsent.md"
    assert "No instance of the job api answers" in rule.annotations["description"]
    assert "작업 api의" in rule.annotations["description_ko"]


def test_a_description_says_only_what_the_rule_can_tell() -> None:
    (blind,) = rules(of("sum(rate(a[{{.window}}]))"))
    assert "instance" not in blind.annotations["description"]
    (raw,) = rules(replace(SLO, indicator=Raw(query('a{job="x"}'), success=True)))
    assert raw.annotations["description"].startswith("No instance of the job x answers Prometheus. Until")


def test_labels_and_annotations_of_the_author_are_kept_and_a_silenced_ticket_is_none() -> None:
    marked = replace(SLO, labels={"team": "a"}, alert_labels={"warning": {"room": "b"}, "critical": {"room": "c"}})
    (rule,) = rules(replace(marked, annotations={"wiki": "w"}))
    assert (rule.labels["team"], rule.labels["room"], rule.annotations["wiki"]) == ("a", "b", "w")
    assert rules(replace(SLO, silent=("warning",))) == []


def test_while_something_is_excluded_nothing_is_missed() -> None:
    (rule,) = rules(replace(SLO, exclusions=(Exclusion("maintenance == 1"),)))
    assert rule.expr.endswith(")\nunless on ()\ncount_over_time((\n(maintenance == 1)\n)[5m:15s])")


@pytest.mark.parametrize("factor", [1.0, 7.0, 60.0])
def test_the_expression_is_promql_at_any_time_factor_and_its_hold_shrinks(factor: float) -> None:
    (rule,) = rules(replace(SLO, job="api", exclusions=(Exclusion("x"),)), factor)
    promql_parser.parse(rule.expr)
    assert rule.hold == pytest.approx(300 / factor)


def test_an_annotation_names_the_job_and_an_empty_one_says_that_there_is_none() -> None:
    slos, problems = annotated("gateway")
    assert (job_of(slos.slos[0]), problems) == ("gateway", [])
    slos, problems = annotated('""')
    assert (job_of(replace(slos.slos[0], indicator=Raw(query('a{job="x"}'), success=True))), problems) == ("", [])


@pytest.mark.parametrize("value", ["two words", "'a\"b'", "'{}'", "'api:'", "5", "[api]"])
def test_what_is_no_job_is_refused_where_it_stands(value: str) -> None:
    line = next(i for i, row in enumerate(TEXT.splitlines(), 1) if "bongsu/job" in row)
    assert set(annotated(value)[1]) in ({f"spec/value {line}"}, {f"spec/type {line}"})


@pytest.mark.parametrize("text", ["api", "a", "serviceMonitor/monitoring/api/0", "api.example.com:9100"])
def test_job_names_as_they_are_met_are_taken(text: str) -> None:
    assert is_job(text)


@pytest.mark.parametrize("job", ["gap-job", "api", "no", "5m", "007"])
@pytest.mark.parametrize("factor", [1.0, 60.0])
def test_rule_files_by_stencil_name_the_right_job(job: str, factor: float) -> None:
    texts = [
        TEXT,
        TEXT.replace("name: answers-succeed", "name: other").replace("bongsu/job: worker", f'bongsu/job: "{job}"'),
    ]
    slos, problems = load({f"slo/{i}.yaml": text for i, text in enumerate(texts)})
    assert problems == []
    plain = {
        file_name(slo): rule_file(compile_slo(slo, windows, LINKS, factor), slo.span.file)
        for slo, windows in slos.watched()
    }
    assert compile_slos(slos, LINKS, factor) == plain


BOARD = """\
apiVersion: bongsu/v1
kind: Dashboard
name: {name}
title: x
description: x
rows: [{{title: x, panels: [{{alert: SliAbsent}}]}}]
"""


def test_the_panel_draws_the_events_of_the_service_and_whether_its_jobs_answer() -> None:
    slos = load({"slo/x.yaml": TEXT})[0]
    boards = load_dashboards({"d.yaml": BOARD.format(name="research-assistant")})[0]
    (panel,) = resolve(boards[0], slos, ()).panels()
    assert [one.expr.text for one in panel.queries] == [
        'slo:sli_events:rate5m{sloth_service="research-assistant", events="total"}',
        'max by (job) (up{job=~"worker"})',
    ]
    others = load_dashboards({"d.yaml": BOARD.format(name="other")})[0]
    assert list(resolve(others[0], slos, ()).panels()) == []
