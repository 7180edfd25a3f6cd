"""Labelled incidents through the compiled rules on a real Prometheus: generated ones, and a history it already has."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path

import pytest

from bongsu.cli.main import main
from bongsu.stack.history import fill, openmetrics, prometheus

ROOT = Path(__file__).parents[2]
SLO = "research-assistant-answers-succeed"
DAY = """\
apiVersion: bongsu/v1
kind: Incidents
length: 1d
traffic: {{day: 4, night: 1, background: 0}}
incidents:
  - {{name: outage, start: 10h, lasts: 30m, share: 1, expect: page}}
  - {{name: other, start: 20h, lasts: 10m, burn: {burn}, expect: page}}
"""


def backtest(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(["--root", str(ROOT), "backtest", SLO, "--step", "1m", *argv], out, err)
    return code, out.getvalue(), err.getvalue()


def written(folder: Path, text: str) -> str:
    (folder / "incidents.yaml").write_text(text, encoding="utf-8")
    return str(folder / "incidents.yaml")


def test_incidents_that_page_are_found_within_minutes(tmp_path: Path) -> None:
    code, out, err = backtest("--incidents", written(tmp_path, DAY.format(burn=60)))
    assert code == 0, out + err
    assert "page    recall 100.0% (2 of 2 incidents), precision 100.0%" in out
    assert re.search(r"outage: after [234]m0?s?,", out), out


def test_an_incident_the_rules_cannot_see_is_missed_and_named(tmp_path: Path) -> None:
    code, out, _ = backtest("--incidents", written(tmp_path, DAY.format(burn=2)))
    assert code == 1
    assert "recall 50.0% (1 of 2 incidents)" in out
    assert "other: MISSED" in out


def test_the_history_of_a_real_prometheus_is_judged_by_its_labels(tmp_path: Path) -> None:
    begin, step = 1_790_000_000, 60
    bad_from, bad_to = begin + 86400 * 4, begin + 86400 * 4 + 1800
    times = [begin + step * i for i in range(5 * 1440)]
    name = 'bongsu_events_total{{kind="run",outcome="{}",job="worker",instance="w"}}'
    counts = {"good": 0.0, "bad": 0.0}
    series: dict[str, list[tuple[float, float]]] = {"good": [], "bad": []}
    for time in times:
        counts["bad" if bad_from <= time < bad_to else "good"] += 60
        for outcome, count in counts.items():
            series[outcome].append((time, count))
    openmetrics([(name.format(outcome), points) for outcome, points in series.items()], tmp_path / "samples.txt")
    labels = written(
        tmp_path,
        "apiVersion: bongsu/v1\nkind: Incidents\nincidents:\n"
        '  - {name: outage, start: "2026-09-25T14:13:20Z", lasts: 30m, expect: page}\n',
    )

    async def judged() -> tuple[int, str, str]:
        await fill(tmp_path / "data", tmp_path / "samples.txt")
        async with prometheus(tmp_path / "data") as url:
            return await asyncio.to_thread(backtest, "--incidents", labels, "--prometheus", url)

    code, out, err = asyncio.run(judged())
    assert code == 0, out + err
    assert "page    recall 100.0% (1 of 1 incidents), precision 100.0% (1 of 1 alerts)" in out


def test_labels_of_real_history_without_a_prometheus_are_a_wrong_use() -> None:
    code, _, err = backtest("--prometheus", "http://127.0.0.1:1")
    assert code == 2
    assert "do not fit together" in err


def test_a_prometheus_that_does_not_answer_is_unreachable(tmp_path: Path) -> None:
    labels = written(
        tmp_path,
        "apiVersion: bongsu/v1\nkind: Incidents\nincidents:\n"
        '  - {name: outage, start: "2026-09-25T14:13:20Z", lasts: 30m, expect: page}\n',
    )
    code, _, err = backtest("--incidents", labels, "--prometheus", "http://127.0.0.1:1")
    assert code == 3
    assert "is Prometheus there?" in err


@pytest.mark.parametrize("step", ["0s", "soon"])
def test_a_step_that_is_none_is_refused(step: str) -> None:
    code, _, _ = backtest("--step", step)
    assert code == 2
