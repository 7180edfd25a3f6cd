from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.cli.catalogue import load_catalogue
from bongsu.cli.explain import explain
from tests.golden.scenario import WORLD, bongsu, build, read

ROOT = Path(__file__).parents[3]
BURN = """\
AnswersBudgetBurn
  spec        slo/research-assistant.yaml:{spec}
              SLO research-assistant-answers-succeed: 99% over 30d
  rules       deploy/rendered/prometheus/slo-research-assistant-answers-succeed.rules.yml:{rule}
              12 recording rules before it in the same group
  routes      critical -> page (pagerduty, record), grouped by service, first after 0s, news every 30s
              critical -> lead (email) too, when it lasts 30m
              critical silences warning
              warning -> morning (slack), grouped by service, first after 30s, news every 5m, only in weekday-mornings
              warning -> ticket (email, slack, record), grouped by alertname, service, first after 30s, news every 2m
              alerts/routes.yaml
  runbook     runbooks/AnswersBudgetBurn.md (en, heals, 6 executable steps)
              runbooks/AnswersBudgetBurn.ko.md (ko, heals, 6 executable steps)
  experiment  openai-errors (chaos/experiments/openai-errors.yaml:{experiment}): AnswersBudgetBurn critical tier=fast
              bongsu prove openai-errors
  panel       Answers succeed: burn rate (dashboard research-assistant, id 346486607)
              https://grafana.example.com/d/research-assistant?viewPanel=346486607
  absence     SliAbsent (warning) of research-assistant-answers-succeed: target_down, vanished, never_born, job worker
  times in a total outage at 1 event(s) per second, without scrape, evaluation and delivery
    severity  tier  windows  for  keeps firing  fires after  clears within
    critical  fast  5m 10m   0s   0s            3m48s        4m17s
    critical  slow  30m 6h   0s   0s            24m6s        30m45s
    warning   day   2h 1d    0s   0s            45m42s       1h58m54s
    warning   days  6h 3d    0s   0s            45m42s       5h58m54s
  fires after / clears within, by the share of bad events after a clean window
    tier  threshold  100% bad           50% bad              10% bad              2 x threshold
    fast  14.4%      3m48s / 4m17s      5m23s / 3m34s        never                7m30s / 2m30s
    slow  6%         24m6s / 30m45s     45m42s / 28m54s      3h38m30s / 14m30s    3h2m30s / 17m30s
    day   3%         45m42s / 1h58m54s  1h28m54s / 1h55m18s  7h14m30s / 1h26m30s  12h2m30s / 1h2m30s
    days  1%         45m42s / 5h58m54s  1h28m54s / 5h55m18s  7h14m30s / 5h26m30s  1d12h2m30s / 3h2m30s"""


def line_of(file: str, text: str) -> int:
    return next(i for i, line in enumerate((ROOT / file).read_text(encoding="utf-8").splitlines(), 1) if text in line)


def test_the_chain_of_a_burn_rate_alert_is_printed_with_real_places() -> None:
    rules = "deploy/rendered/prometheus/slo-research-assistant-answers-succeed.rules.yml"
    assert "\n".join(explain(load_catalogue(ROOT), "AnswersBudgetBurn", 1.0)) == BURN.format(
        spec=line_of("slo/research-assistant.yaml", "bongsu/alert"),
        rule=line_of(rules, "- alert: AnswersBudgetBurn"),
        experiment=line_of("chaos/experiments/openai-errors.yaml", "apiVersion"),
    )


def test_every_alert_can_be_explained() -> None:
    catalogue = load_catalogue(ROOT)
    for alert in catalogue.alert_spans():
        text = "\n".join(explain(catalogue, alert, 1.0))
        assert f"runbooks/{alert}.ko.md" in text
        assert "viewPanel=" in text


ABSENT = """\
  routes      warning -> morning (slack), grouped by service, first after 30s, news every 5m, only in weekday-mornings
              warning -> ticket (email, slack, record), grouped by alertname, service, first after 30s, news every 2m
              silenced while research-assistant pages
              alerts/routes.yaml"""
REASONS = """\
    severity  tier  windows  for  keeps firing  fires after  clears within
    warning   -     -        5m   0s            5m           0s
  by reason; an idle system is none of them
    reason       fires after  since
    target_down  5m           no instance of the job answers
    vanished     1d5m         the last sample of the events, the job being up
    never_born   20h5m        the SLO and its job are there, and no events ever"""


def test_the_alert_of_absence_is_explained_by_reason_and_by_slo() -> None:
    catalogue = load_catalogue(ROOT)
    text = "\n".join(explain(catalogue, "SliAbsent", 1.0))
    place = f"slo/experience.yaml:{line_of('slo/experience.yaml', 'name: api-answers')}"
    assert f"{place}: research-assistant-api-answers: target_down, vanished, never_born, job api" in text
    assert text.count("12 recording rules before it in the same group") == 3
    assert ABSENT in text
    assert text.endswith(REASONS)


ROUTES = """\
  routes      critical of shop -> desk (note), grouped by service, first after 0s, news every 30s, only in days
              critical of shop -> night (record), grouped by service, first after 0s, news every 30s
              critical of shop -> owner (note) too, when it lasts 30m
              warning -> ticket (note), grouped by service, first after 0s, news every 30s
              silenced while ErrorsMany pages
              alerts/routes.yaml"""


def test_who_hears_an_alert_is_said_with_the_routes_of_its_service(tmp_path: Path) -> None:
    of_the_shop = "tests/golden/scenarios/a_target_is_looked_for_among_those_who_hear_the_service.txt"
    root = build(tmp_path, read(ROOT / of_the_shop))
    slo, routes = root / "slo/shop.yaml", root / "alerts/routes.yaml"
    slo.write_text((WORLD / "slo/shop.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    depends = "dependencies: [{service: shop, depends_on: [ErrorsMany], equal: [service]}]\n"
    routes.write_text(routes.read_text(encoding="utf-8") + depends, encoding="utf-8")
    assert ROUTES in bongsu(root, "explain", "RunsBurn")[1]
    assert "silenced while" not in bongsu(root, "explain", "ErrorsMany")[1]


NATIVE = """histogram_fraction(0, 10, sum(rate(bongsu_events_total{outcome=~"good|bad"}[{{.window}}])))"""


def test_what_not_every_prometheus_has_is_said(tmp_path: Path) -> None:
    world = build(tmp_path)
    slo, alert = world / "slo/shop.yaml", world / "alerts/errors.yaml"
    assert "  needs" not in bongsu(world, "explain", "RunsBurn")[1]
    text = slo.read_text(encoding="utf-8").replace('sum(rate(bongsu_events_total{outcome="bad"}[{{.window}}]))', NATIVE)
    slo.write_text(text, encoding="utf-8")
    alert.write_text(alert.read_text(encoding="utf-8") + "keep_firing_for: 5m\n", encoding="utf-8")
    native = "\n  needs       Prometheus 2.40 or later with --enable-feature=native-histograms\n"
    assert native in bongsu(world, "explain", "RunsBurn")[1]
    assert "\n  needs       Prometheus 2.42 or later (keep_firing_for)\n" in bongsu(world, "explain", "ErrorsMany")[1]


def test_an_unknown_alert_is_a_usage_error_that_names_the_nearest() -> None:
    code, out, err = bongsu(ROOT, "explain", "ErorsHigh")
    assert (code, out) == (2, "")
    assert "no alert 'ErorsHigh' is declared" in err
    assert "did you mean ErrorsHigh?" in err


@pytest.mark.parametrize("rate", ["0", "-1", "nan"])
def test_a_rate_that_is_none_is_a_usage_error(rate: str) -> None:
    code, _, err = bongsu(ROOT, "explain", "ErrorsHigh", "--rate", rate)
    assert code == 2
    assert "--rate must be above 0" in err


def test_an_alert_that_nobody_proved_or_answered_says_so(tmp_path: Path) -> None:
    scenario = read(ROOT / "tests/golden/checks/alert_runbook.txt")
    root = build(tmp_path / "world", scenario)
    (root / "chaos/experiments/llm-errors.yaml").unlink()
    for file in root.glob("runbooks/*.md"):
        file.unlink()
    code, out, _ = bongsu(root, "explain", "ErrorsMany", "--rate", "0.001")
    assert code == 0
    assert "runbook     none" in out
    assert "experiment  none: nobody has seen it fire" in out
    assert "never" in out
