"""The replays of every kind of indicator, window and tier pass on what is compiled, and notice what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bongsu.core.replay import Replay
from bongsu.slo.compile import compile_slos, file_name
from bongsu.slo.load import load
from bongsu.slo.model import Slos
from bongsu.slo.replay import compile_replays
from bongsu.slo.rules import Links
from tests.rules.test_indicators import CASES, slo, threshold
from tests.support.promtool import replayed

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = (
    CASES["slices that count by their good share"]
    .spec.replace("RatioTimeslices", "Occurrences")
    .replace("timeSliceWindow: 5m, ", "")
)
OWN = CASES["a tier of one's own, by reference"]
KINDS = {name: (case.spec, case.others) for name, case in CASES.items()} | {
    "events of a day in Seoul": (PLAIN.replace("{duration: 30d, isRolling: true}", "@1d"), ""),
    "events of a month in Kolkata": (PLAIN.replace("{duration: 30d, isRolling: true}", "@1M"), ""),
    "time of a month": (
        slo(threshold("max(shop_age)"), "op: lt, value: 60, target: 0.99", timeWindow="[@1M]"),
        "",
    ),
    "money of a quarter": (
        slo(
            threshold("sum(rate(shop_usd_total[{{.window}}]))"),
            "op: lte, value: 43200, target: 0.99",
            annotations=", bongsu/indicator: spend",
            timeWindow="[@1Q]",
        ),
        "",
    ),
    "time that does not count during maintenance": (
        slo(
            threshold('max(shop_age{job="shop"})'),
            "op: lt, value: 60, target: 0.99",
            annotations=", bongsu/exclude: 'max(shop_maintenance) == 1'",
        ),
        "",
    ),
    "events that do not count during maintenance": (
        PLAIN.replace("bongsu/alert: ShopBurns", "bongsu/alert: ShopBurns, bongsu/exclude: shop_maintenance > 0"),
        "",
    ),
    "a rate that is no sum": (PLAIN.replace("sum(rate(", "max(rate("), ""),
    "sums by a label that all have in common": (PLAIN.replace("sum(rate(", "sum by (job) (rate("), ""),
    "a tier that holds for less than its windows": (OWN.spec, OWN.others.replace("alertAfter: 10m", "alertAfter: 3m")),
}


def understood(kind: str) -> Slos:
    spec, others = KINDS[kind]
    for unit, zone in (("1d", "Asia/Seoul"), ("1M", "Asia/Kolkata"), ("1Q", "Europe/Berlin")):
        start = f"calendar: {{startTime: '2026-01-01 00:00:00', timeZone: {zone}}}"
        spec = spec.replace(f"@{unit}", f"{{duration: {unit}, isRolling: false, {start}}}")
    slos, problems = load({"slo/a.yaml": spec} | ({"slo/b.yaml": others} if others else {}))
    assert problems == []
    return slos


def replays(slos: Slos) -> list[Replay]:
    files = compile_slos(slos, Links("https://git.example.com", "https://grafana.example.com"))
    return compile_replays(slos, {one.id: files[file_name(one)] for one in slos.slos})


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_kind_is_compiled_into_behaves_as_its_definition_says(kind: str, tmp_path: Path) -> None:
    assert replayed(replays(understood(kind)), tmp_path) == ""


def test_labels_of_ones_own_are_expected_on_recordings_and_alerts(tmp_path: Path) -> None:
    slos = understood("events of a day in Seoul")
    labels = {"team": "a", "severity": "ours-wins"}
    extra = replace(slos.slos[0], labels=labels, alert_labels={"critical": {"pager": "b", "team": "c"}})
    made = replays(replace(slos, slos=(extra,)))
    assert 'team="c"' in made[0].test
    assert 'pager="b"' in made[0].test
    assert replayed(made, tmp_path) == ""


@pytest.mark.parametrize("wrong", ["", "        for: 9m\n", "        for: 10m30s\n"])
def test_an_alert_that_holds_for_another_time_turns_its_replay_red(wrong: str, tmp_path: Path) -> None:
    held = next(one for one in replays(understood("a tier of one's own, by reference")) if one.name.endswith("-hold"))
    assert "        for: 10m\n" in held.rules
    assert "FAILED" in replayed([replace(held, rules=held.rules.replace("        for: 10m\n", wrong))], tmp_path)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("a raw share of failures that somebody stored", "clamp(", "abs("),
        ("a raw share of successes over a window", "1 - clamp", "clamp"),
        ("gauges that count what is there", "sum(shop_carts_stuck)", "sum(shop_carts)"),
        ("a value that must stay below a limit", ">= bool 60", "> bool 60.1"),
        ("a value that must stay below a limit", ">= bool 60", ">= bool 59.9"),
        ("a value that must stay below a limit", "[5m:15s]", "[10m:15s]"),
        ("a value that must stay below a limit", "[5m:15s]", "[5m:30s]"),
        ("two targets of which one is down: a boolean gauge", '{job="shop"}', ""),
        ("slices of time that are good or bad", "> bool 0.1", "> bool 0.11"),
        ("slices of time that are good or bad", "count_over_time", "sum_over_time"),
        ("slices that count by their good share", "/ 1\n", "/ 2\n"),
        ("money: fifteen times the allowed rate, and half of it", "0 * ", "1 * "),
        ("time that does not count during maintenance", "== bool 0", "== bool 1"),
        ("events that do not count during maintenance", "== bool 0", ">= bool 0"),
        ("a rate that is no sum", "max(", "min("),
    ],
)
def test_a_base_recording_that_counts_otherwise_turns_its_replay_red(
    kind: str, right: str, wrong: str, tmp_path: Path
) -> None:
    events = next(one for one in replays(understood(kind)) if one.name.endswith("-events"))
    changed = replace(events, rules=events.rules.replace(right, wrong))
    assert changed != events, events.rules
    assert "FAILED" in replayed([changed], tmp_path)
