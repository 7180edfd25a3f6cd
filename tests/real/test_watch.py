"""The watcher of the watchers, beside a real Prometheus, a real Alertmanager and the local receiver.

Intervals are shorter than in production; bench/watch_trials.py kills each part with those of production.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.support.alerting_chain import Chain, chain, settle
from tests.real.support.waiting import until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Chain]:
    with chain(tmp_path, "1s", "6s", brisk=True) as found:
        settle(found)
        yield found


def test_a_dead_prometheus_is_told_once_by_name_and_in_both_languages(world: Chain) -> None:
    world.parts["prometheus"].send_signal(signal.SIGKILL)
    (message,) = until(world.told, "a message about Prometheus")
    assert (message["part"], message["status"]) == ("prometheus", "firing")
    assert "응답하지 않습니다" in message["text"]
    assert "Last well" in message["text"]


def test_rules_that_are_not_evaluated_are_noticed_though_every_part_answers(world: Chain) -> None:
    (world.folder / "prometheus.yml").write_text("global: {evaluation_interval: 1s}\n", encoding="utf-8")
    world.parts["prometheus"].send_signal(signal.SIGHUP)
    (message,) = until(world.told, "a message about the heartbeat", 90)
    assert (message["part"], message["status"]) == ("pipeline", "firing")
    assert "하트비트" in message["text"]


@pytest.mark.long
def test_a_stopped_part_that_goes_on_is_told_to_be_back(world: Chain) -> None:
    world.parts["receiver"].send_signal(signal.SIGSTOP)
    until(lambda: len(world.told()) == 1, "a message about the receiver")
    world.parts["receiver"].send_signal(signal.SIGCONT)
    until(lambda: len(world.told()) == 2, "the message that it is back")
    assert [(one["part"], one["status"]) for one in world.told()] == [("receiver", "firing"), ("receiver", "resolved")]
