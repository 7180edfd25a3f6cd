"""The committed Alertmanager configuration, played by other people's tools: amtool and amlint."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bongsu.alerts.alertmanager import CONFIG, TEMPLATE
from bongsu.cli.catalogue import compile_all, load_catalogue
from tests.support.routing import routing_problems

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/rendered/alertmanager"
ALERT = {
    "status": "firing",
    "labels": {"alertname": "ErrorsHigh", "severity": "critical", "service": "research-assistant"},
    "annotations": {
        "summary": "More than 50 errors in the last hour.",
        "description": "60 runs failed.",
        "summary_ko": "오류가 50건을 넘었습니다.",
        "description_ko": "실패한 실행이 60건입니다.",
        "detail": "llm_server 55, search 5",
        "runbook_url": "https://git.example.com/r.md",
        "dashboard_url": "https://grafana.example.com/d/x",
        "last_proof": "2026-01-02 00:00:00 +0000 UTC",
    },
    "startsAt": "2026-01-01T00:00:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
}
RESOLVED = {**ALERT, "status": "resolved", "labels": {"alertname": "AvailabilityLow", "kind": "run"}}
EXPECTED = """\
[critical] ErrorsHigh
More than 50 errors in the last hour.
60 runs failed.
오류가 50건을 넘었습니다.
실패한 실행이 60건입니다.
Counts / 건수: llm_server 55, search 5
Runbook / 런북: https://git.example.com/r.md
Panel / 패널: https://grafana.example.com/d/x
Last proof / 마지막 증명: 2026-01-02 00:00:00 +0000 UTC
Explain / 설명: bongsu explain ErrorsHigh

Resolved / 해소:
- AvailabilityLow kind=run
"""


def run(*argv: str) -> str:
    if shutil.which(argv[0]) is None and not Path(argv[0]).is_file():
        pytest.fail(f"{argv[0]} is not on PATH: run `make setup`")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def amlint(*argv: str) -> str:
    return run(str(Path(sys.executable).with_name("amlint")), *argv)


def test_amtool_accepts_the_committed_configuration() -> None:
    assert "1 templates" in run("amtool", "check-config", str(FOLDER / CONFIG))


def test_amlint_finds_nothing_against_the_committed_rules() -> None:
    rules = str(ROOT / "deploy/rendered/prometheus/*.rules.yml")
    found = json.loads(amlint("check", "--format", "json", "--rules", rules, str(FOLDER / CONFIG)))
    # Prometheus always sends an end time, so the timeout amlint asks about has no effect here.
    # An escalation is a route that waits long on purpose, and whose news and end are then told at once.
    assert {finding["code"] for finding in found} == {"global-resolve-timeout-missing", "wait-exceeds-interval"}
    assert len(found) == 2


def test_every_severity_reaches_its_receiver_in_time_and_critical_silences_only_its_own_warning() -> None:
    assert routing_problems(FOLDER / CONFIG) == []


def test_a_page_that_waits_is_noticed(tmp_path: Path) -> None:
    text = (FOLDER / CONFIG).read_text(encoding="utf-8")
    (tmp_path / CONFIG).write_text(text.replace("group_wait: 0s", "group_wait: 30s"), encoding="utf-8")
    assert len(routing_problems(tmp_path / CONFIG)) == 1


def test_the_configuration_with_local_endpoints_and_compressed_time_is_accepted_too(tmp_path: Path) -> None:
    catalogue = load_catalogue(ROOT)
    assert catalogue.alerts.routes is not None
    local = replace(
        catalogue.alerts.routes.endpoints,
        pagerduty_url="http://127.0.0.1:9/pagerduty/v2/enqueue",
        smtp_smarthost="127.0.0.1:25",
        smtp_username="",
        smtp_password_file="",
        smtp_require_tls=False,
    )
    files = compile_all(catalogue, local, factor=60.0)
    (tmp_path / "templates").mkdir()
    for name in (CONFIG, TEMPLATE):
        (tmp_path / name).write_text(files[f"alertmanager/{name}"], encoding="utf-8")
    run("amtool", "check-config", str(tmp_path / CONFIG))
    assert "group_interval: 500ms" in files["alertmanager/alertmanager.yml"]


def test_a_notification_says_everything_in_both_languages(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text(
        json.dumps(
            {
                "receiver": "page",
                "status": "firing",
                "alerts": [ALERT, RESOLVED],
                "commonLabels": {"service": "research-assistant"},
            }
        ),
        encoding="utf-8",
    )
    assert render("bongsu.text", data) == EXPECTED
    assert render("bongsu.title", data) == "[FIRING / 발생 1] research-assistant: ErrorsHigh"
    assert render("bongsu.runbook", data) == "https://git.example.com/r.md"
    data.write_text(
        json.dumps({"status": "resolved", "alerts": [RESOLVED], "commonLabels": {"service": "shop"}}), encoding="utf-8"
    )
    assert render("bongsu.title", data) == "[RESOLVED / 해소] shop: AvailabilityLow"


def render(template: str, data: Path) -> str:
    return run(
        "amtool", "template", "render",
        "--template.glob", str(FOLDER / TEMPLATE),
        "--template.text", f'{{{{ template "{template}" . }}}}',
        "--template.data", str(data),
    )  # fmt: skip
