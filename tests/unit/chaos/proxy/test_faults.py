from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bongsu.chaos.proxy.faults import Faults, Request
from bongsu.chaos.proxy.ledger import Ledger
from bongsu.core.errors import UsageError

SPEC: dict[str, Any] = {"kind": "http-error", "status": 500, "match": {"path": "/v1/chat"}}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


@pytest.fixture
def ledger(ledger_file: Path) -> Iterator[Ledger]:
    opened = Ledger(ledger_file)
    yield opened
    opened.close()


@pytest.fixture
def faults(ledger: Ledger, clock: Clock) -> Faults:
    return Faults(ledger, clock)


def hit(faults: Faults, path: str = "/v1/chat/completions", number: int = 1) -> list[str]:
    return [fault.id for fault in faults.hit(Request(number, "POST", path))]


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def events(file: Path) -> list[tuple[str, str]]:
    return [(line["event"], line["fault"]) for line in lines(file)]


async def test_a_fault_hits_its_path_and_leaves_others_alone(faults: Faults) -> None:
    faults.inject(SPEC, 10)
    assert hit(faults) == ["f1"]
    assert hit(faults, "/v1/embeddings") == []


async def test_a_lease_that_nobody_renews_ends_the_fault(faults: Faults, clock: Clock, ledger_file: Path) -> None:
    faults.inject(SPEC, 10)
    clock.now += 10
    assert hit(faults) == []
    assert events(ledger_file) == [("injected", "f1"), ("expired", "f1")]


async def test_a_renewed_lease_counts_from_the_renewal(faults: Faults, clock: Clock) -> None:
    faults.inject(SPEC, 10)
    clock.now += 9
    faults.renew("f1", 10)
    clock.now += 9
    assert hit(faults) == ["f1"]
    clock.now += 1
    assert hit(faults) == []
    with pytest.raises(UsageError, match="no fault 'f1' is active"):
        faults.renew("f1", 10)


async def test_undoing_twice_or_what_never_was_is_no_error(faults: Faults, ledger_file: Path) -> None:
    faults.inject(SPEC, 10)
    assert [faults.undo("f1"), faults.undo("f1"), faults.undo("never")] == [True, False, False]
    assert events(ledger_file) == [("injected", "f1"), ("undone", "f1")]


async def test_a_chosen_id_is_kept_and_cannot_be_used_twice(faults: Faults) -> None:
    assert faults.inject(SPEC, 10, "mine") == "mine"
    with pytest.raises(UsageError, match="used before"):
        faults.inject(SPEC, 10, "mine")
    with pytest.raises(UsageError, match="1 to 64 letters"):
        faults.inject(SPEC, 10, "no spaces")
    faults.inject(SPEC, 10, "f1")
    assert faults.inject(SPEC, 10) == "f2"


async def test_the_same_seed_hits_the_same_requests(ledger: Ledger, clock: Clock) -> None:
    def hits(seed: int) -> list[int]:
        faults = Faults(ledger, clock)
        faults.inject({**SPEC, "probability": 0.3, "seed": seed}, 10)
        return [n for n in range(200) if hit(faults, number=n)]

    assert hits(7) == hits(7)
    assert hits(7) != hits(8)
    assert 30 < len(hits(7)) < 90


async def test_probability_nought_and_one_mean_never_and_always(faults: Faults) -> None:
    faults.inject({**SPEC, "probability": 0}, 10, "never")
    faults.inject({**SPEC, "probability": 1}, 10, "always")
    assert all(hit(faults, number=n) == ["always"] for n in range(100))


async def test_pass_through_accepts_a_fault_and_hits_nothing(ledger: Ledger, clock: Clock) -> None:
    faults = Faults(ledger, clock, pass_through=True)
    assert faults.inject(SPEC, 10) == "f1"
    assert hit(faults) == []
    assert faults.describe()[0]["state"] == "active"


async def test_the_ledger_line_of_a_hit_holds_the_request(faults: Faults, ledger_file: Path) -> None:
    faults.inject(SPEC, 10)
    request = Request(4, "POST", "/v1/chat/completions")
    faults.record(faults.hit(request)[0], request, 500)
    line = lines(ledger_file)[-1]
    assert {name: line[name] for name in ("event", "fault", "request", "method", "path", "status")} == {
        "event": "hit", "fault": "f1", "request": 4, "method": "POST", "path": "/v1/chat/completions", "status": 500,
    }  # fmt: skip
    assert faults.describe()[0]["hits"] == 1


def test_only_the_owner_can_read_the_ledger(ledger: Ledger, ledger_file: Path) -> None:
    ledger.write("injected", "f1")
    assert ledger_file.stat().st_mode & 0o777 == 0o600


async def test_undoing_all_ends_every_fault(faults: Faults) -> None:
    faults.inject(SPEC, 10)
    faults.inject(SPEC, 10)
    faults.undo_all()
    assert {fault["state"] for fault in faults.describe()} == {"undone"}


@pytest.mark.parametrize(
    ("spec", "lease"),
    [
        (None, 10),
        ({}, 10),
        ({"kind": "meteor"}, 10),
        ({"kind": ["reset"]}, 10),
        ({"kind": "reset", "seconds": 1}, 10),
        ({"kind": "reset", "match": {"host": "x"}}, 10),
        ({"kind": "reset", "match": {"path": "v1"}}, 10),
        ({"kind": "reset", "probability": 1.5}, 10),
        ({"kind": "reset", "seed": "x"}, 10),
        ({"kind": "reset"}, None),
        ({"kind": "reset"}, 0),
        ({"kind": "reset"}, 999_999),
        ({"kind": "reset"}, True),
    ],
)
async def test_a_wrong_injection_is_refused_and_changes_nothing(
    faults: Faults, ledger_file: Path, spec: object, lease: object
) -> None:
    with pytest.raises(UsageError):
        faults.inject(spec, lease)
    assert faults.describe() == []
    assert events(ledger_file) == []
