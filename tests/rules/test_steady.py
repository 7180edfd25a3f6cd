"""What bongsu/core/steady.py says of steady worlds is what the real PromQL engine says, asked by promtool."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml

from bongsu.core.replay import question, samples_text
from bongsu.core.series import Series
from bongsu.core.steady import World, counters, parsed, series_of, value
from tests.support.promtool import played

if TYPE_CHECKING:
    from pathlib import Path

NOW, SAMPLE = 4 * 3600.0 + 3, 60.0


def series(name: str, **labels: str) -> Series:
    return Series(name, tuple(sorted(labels.items())))


LEVELS = {
    series("up", job="api", instance="a"): 1.0,
    series("up", job="api", instance="b"): 0.0,
    series("up", job="web", instance="a"): 0.5,
    series("size", instance="a", part="x"): 8.0,
    series("size", instance="b", part="x"): 0.0,
    series("limit", part="x"): 4.0,
    series("at", job="api"): 3600.0,
    series("errors_total", job="api", code="500"): 2.0,
    series("errors_total", job="api", code="404"): 0.5,
    series("requests_total", job="api"): 10.0,
    series("seconds_bucket", job="api", le="0.5"): 4.0,
    series("seconds_bucket", job="api", le="2"): 9.0,
    series("seconds_bucket", job="api", le="+Inf"): 10.0,
}
QUERIES = (
    "up",
    'up{job=~"a.*", instance!="b"} == 1',
    "sum(up)",
    "min by (job) (up)",
    "max without (instance) (up)",
    "avg(up) or vector(7)",
    "count by (job) (up) > bool 1",
    "group(up)",
    "1 - up",
    "-up + 2 ^ 3 % 5",
    "up > 0.2",
    "0.2 < up",
    "0.2 < bool up",
    "vector(3 > bool 2)",
    "size / on (part) group_left () limit",
    "size > on (part) group_left () limit",
    "size / on (part) group_left (job) max by (part) (limit)",
    "limit / on (part) limit",
    "limit > ignoring (part) limit * 0.5",
    "size / (size > 0)",
    "size / size >= 0",
    "time() - at",
    "time() - max by (job) (max_over_time(at[1h]) > 0)",
    "up and on (instance) size",
    "up unless on (instance) (size > 1)",
    'up{job="web"} or up',
    "rate(errors_total[10m])",
    'sum(increase(errors_total{code="500"}[1h]))',
    "sum by (job) (rate(errors_total[10m])) / sum by (job) (rate(requests_total[10m]))",
    "round(sum(increase(errors_total[15m])), 0.5)",
    "histogram_quantile(0.9, sum by (le) (rate(seconds_bucket[5m])))",
    "histogram_quantile(0.3, rate(seconds_bucket[5m]))",
    "histogram_quantile(0.99, rate(seconds_bucket[5m]))",
    "min_over_time(up[30m]) + last_over_time(up[30m]) + avg_over_time(up[30m])",
    "max_over_time((up * 2)[30m:5m])",
    "present_over_time(size[30m])",
    "size offset 1h",
    "rate(errors_total[10m] offset 1h)",
    "clamp(size, 1, 5) + clamp_min(size, 3) + clamp_max(size, 3)",
    "ceil(up) + floor(up) + abs(-up)",
    "scalar(limit) * up",
    "vector(scalar(up)) >= 0",
    "absent(nothing)",
    "absent(up)",
    "nothing",
)
AFTER = (
    "max(up) < 0.1 and max(max_over_time(up[1d])) > 0",
    "min_over_time(up[1d])",
    "max_over_time(up[10m])",
    "up offset 2h",
    "present_over_time(gone[1d])",
    "last_over_time(gone[1d])",
)


def asked(query: str, world: World) -> dict[str, object]:
    found = series_of(value(parsed(query), world))
    # Of what a rounded float is, every digit: promtool compares to the last one.
    rounded = f"round({query}, 0.000001)"
    return question(
        rounded, NOW, [(dict(labels) | {"__name__": ""}, round(number, 6)) for labels, number in found.items()]
    )


def verdict(tests: list[dict[str, object]], folder: Path) -> str:
    (folder / "t.yml").write_text(yaml.safe_dump({"evaluation_interval": "1h", "tests": tests}), encoding="utf-8")
    return played(folder, "t.yml")


def told(worlds: list[World], questions: list[dict[str, object]]) -> dict[str, object]:
    """Return a test in which the last world stands for the last hours, the ones before it for one hour each."""
    known = dict.fromkeys(one for world in worlds for one in world.levels)
    return {
        "interval": "1m",
        "input_series": [
            {"series": str(one), "values": samples_text(one, worlds, NOW / (len(worlds) - 1), SAMPLE)} for one in known
        ],
        "promql_expr_test": questions,
    }


def counted() -> frozenset[str]:
    return frozenset(name for query in QUERIES for name in counters(parsed(query)))


def test_every_query_gives_in_a_steady_world_what_prometheus_says(tmp_path: Path) -> None:
    world = World(LEVELS, counted(), NOW)
    assert verdict([told([world, world], [asked(query, world) for query in QUERIES])], tmp_path) == ""


def test_a_world_that_changed_an_hour_ago_is_remembered_by_longer_ranges(tmp_path: Path) -> None:
    before = World(dict.fromkeys([one for one in LEVELS if one.name == "up"], 1.0) | {series("gone"): 3.0}, now=NOW)
    now = replace(before, levels={one: 0.0 for one in before.levels if one.name == "up"}, before=(before.levels,))
    world = replace(now, settled=NOW / 4)
    worlds = [before, before, before, before, now]
    assert verdict([told(worlds, [asked(query, world) for query in AFTER])], tmp_path) == ""


@pytest.mark.parametrize("query", ["sum(up)", "rate(errors_total[10m])"])
def test_a_wrong_answer_is_noticed(query: str, tmp_path: Path) -> None:
    world = World(LEVELS, counted(), NOW)
    wrong = replace(world, levels={one: level * 1.001 for one, level in LEVELS.items()})
    assert "got:" in verdict([told([world, world], [asked(query, wrong)])], tmp_path)
