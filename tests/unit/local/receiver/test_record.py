from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bongsu.core.errors import StateError
from bongsu.local.receiver.record import FILE_NAME, Record


def event(action: str, key: str = "k1", summary: str = "LLM errors") -> dict[str, Any]:
    return {"event_action": action, "dedup_key": key, "payload": {"summary": summary}}


Opener = Callable[..., Record]


@pytest.fixture
def record() -> Iterator[Opener]:
    opened: list[Record] = []

    def open_(folder: Path, *dropped: str) -> Record:
        opened.append(Record(folder, now=lambda: 1_700_000_000.0, dropped=frozenset(dropped)))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


def delivered(kept: Record) -> list[tuple[str, str]]:
    return [(delivery.channel, delivery.dedup_key) for delivery in kept.incidents.deliveries]


def test_an_incident_rings_once_however_often_it_is_triggered(tmp_path: Path, record: Opener) -> None:
    kept = record(tmp_path)
    for _ in range(3):
        kept.add("pagerduty", "", event("trigger"))
    kept.add("pagerduty", "", event("acknowledge"))
    assert delivered(kept) == [("sms", "k1"), ("phone", "k1")]


def test_a_resolved_incident_rings_again_when_it_comes_back(tmp_path: Path, record: Opener) -> None:
    kept = record(tmp_path)
    for action in ("trigger", "resolve", "trigger"):
        kept.add("pagerduty", "", event(action))
    assert delivered(kept) == [("sms", "k1"), ("phone", "k1")] * 2


def test_two_dedup_keys_are_two_incidents(tmp_path: Path, record: Opener) -> None:
    kept = record(tmp_path)
    kept.add("pagerduty", "", event("trigger", "a"))
    kept.add("pagerduty", "", event("trigger", "b"))
    assert delivered(kept) == [("sms", "a"), ("phone", "a"), ("sms", "b"), ("phone", "b")]


def test_a_resolve_without_an_incident_is_quiet(tmp_path: Path, record: Opener) -> None:
    kept = record(tmp_path)
    kept.add("pagerduty", "", event("resolve"))
    assert delivered(kept) == []


def test_the_record_survives_a_restart_with_its_numbers_and_open_incidents(tmp_path: Path, record: Opener) -> None:
    first = record(tmp_path)
    first.add("slack", "#ops", {"text": "장애가 발생했습니다"})
    first.add("pagerduty", "", event("trigger"))
    first.close()
    second = record(tmp_path)
    second.add("pagerduty", "", event("trigger"))
    assert [n.seq for n in second.since(0)] == [1, 2, 3]
    assert second.since(0)[0].body == {"text": "장애가 발생했습니다"}
    assert delivered(second) == [("sms", "k1"), ("phone", "k1")]


def test_since_returns_what_came_after(tmp_path: Path, record: Opener) -> None:
    kept = record(tmp_path)
    for text in ("a", "b", "c"):
        kept.add("slack", "", {"text": text})
    assert [n.body["text"] for n in kept.since(1)] == ["b", "c"]


def test_a_line_cut_by_a_crash_is_removed(tmp_path: Path, record: Opener) -> None:
    first = record(tmp_path)
    first.add("slack", "", {"text": "whole"})
    first.close()
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b'{"seq": 2, "at": 1.0, "chan')
    second = record(tmp_path)
    second.add("slack", "", {"text": "next"})
    second.close()
    lines = (tmp_path / FILE_NAME).read_text().splitlines()
    assert [json.loads(line)["body"]["text"] for line in lines] == ["whole", "next"]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path, record: Opener) -> None:
    (tmp_path / FILE_NAME).write_text("nonsense\n")
    with pytest.raises(StateError, match="not a notification") as caught:
        record(tmp_path)
    assert caught.value.where.endswith(f"{FILE_NAME}:1")


def test_two_receivers_cannot_write_one_record(tmp_path: Path, record: Opener) -> None:
    record(tmp_path)
    with pytest.raises(StateError, match="another receiver"):
        record(tmp_path)


def test_only_the_owner_can_read_the_record(tmp_path: Path, record: Opener) -> None:
    record(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / FILE_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("channel", ["pagerduty", "slack"])
def test_a_dropped_channel_is_forgotten(tmp_path: Path, record: Opener, channel: str) -> None:
    kept = record(tmp_path, channel)
    kept.add("pagerduty", "", event("trigger"))
    kept.add("slack", "", {"text": "x"})
    assert channel not in {n.channel for n in kept.since(0)}
    assert len(kept.since(0)) == 1


def test_a_dropped_phone_leaves_the_sms(tmp_path: Path, record: Opener) -> None:
    kept = record(tmp_path, "phone")
    kept.add("pagerduty", "", event("trigger"))
    assert delivered(kept) == [("sms", "k1")]
