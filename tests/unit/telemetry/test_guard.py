"""A metric stops growing at its number of series, says so, and keeps counting everything."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from bongsu.core.conventions import METRICS, SERIES_DROPPED
from bongsu.core.metric import Metric
from bongsu.telemetry.guard import OTHER
from bongsu.telemetry.instruments import Maker, start_at_zero

CALLS = Metric("calls_total", "counter", "Calls.", labels=(("who", ()), ("outcome", ("ok", "error"))))
TIMES = Metric("times_seconds", "histogram", "Times.", "s", (("who", ()),), (0.1, 1.0))
MOST = 40


def shown(registry: CollectorRegistry, name: str) -> list[str]:
    return [line for line in generate_latest(registry).decode().splitlines() if line.startswith(name)]


def dropped(registry: CollectorRegistry, metric: Metric) -> float:
    return registry.get_sample_value(SERIES_DROPPED.name, {"metric": metric.name}) or 0.0


def test_beyond_its_number_of_series_a_metric_counts_as_other_and_says_so() -> None:
    registry = CollectorRegistry()
    calls = Maker(registry, MOST).make(CALLS)
    for number in range(100):
        calls.labels(f"user-{number}", "ok").inc()
    series = [line for line in shown(registry, "calls_") if not line.startswith("#")]
    assert len(series) <= MOST
    assert sum(float(line.rsplit(" ", 1)[1]) for line in series if "_created" not in line) == 100
    others = registry.get_sample_value("calls_total", {"who": OTHER, "outcome": "ok"})
    assert others == dropped(registry, CALLS)
    assert others > 0


def test_what_has_a_series_keeps_it_and_closed_labels_keep_their_value() -> None:
    registry = CollectorRegistry()
    calls = Maker(registry, MOST).make(CALLS)
    for number in range(100):
        calls.labels(f"user-{number}", "ok").inc()
    calls.labels("user-0", "ok").inc()
    calls.labels("somebody-new", "error").inc()
    assert registry.get_sample_value("calls_total", {"who": "user-0", "outcome": "ok"}) == 2
    assert registry.get_sample_value("calls_total", {"who": OTHER, "outcome": "error"}) == 1


def test_each_bucket_of_a_histogram_is_a_series() -> None:
    registry = CollectorRegistry()
    times = Maker(registry, MOST).make(TIMES)
    for number in range(100):
        times.labels(str(number)).observe(0.5)
    assert len([line for line in shown(registry, "times_") if not line.startswith("#")]) <= MOST


def test_threads_cannot_take_the_last_room_twice() -> None:
    registry = CollectorRegistry()
    calls = Maker(registry, MOST).make(CALLS)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: calls.labels(str(number % 200), "ok").inc(), range(4_000)))
    series = [line for line in shown(registry, "calls_") if not line.startswith("#")]
    assert len(series) <= MOST
    assert sum(float(line.rsplit(" ", 1)[1]) for line in series if "_created" not in line) == 4_000


def test_a_label_value_is_redacted_before_it_becomes_a_series() -> None:
    registry = CollectorRegistry()
    calls = Maker(registry).make(CALLS)
    for _ in range(3):
        calls.labels("minji@example.com", "ok").inc()
    (line,) = shown(registry, "calls_total{")
    assert re.fullmatch(r'calls_total\{outcome="ok",who="\[redacted:mail\]"\} 3\.0', line)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_known_series_of_each_metric_fit_under_the_guard(metric: Metric) -> None:
    registry = CollectorRegistry()
    maker = Maker(registry)
    if metric.name == SERIES_DROPPED.name or not all(values for _, values in metric.labels):
        return
    made = maker.make(metric)
    if metric.labels:
        start_at_zero(metric, made)
    assert dropped(registry, metric) == 0
