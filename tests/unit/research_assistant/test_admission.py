from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from research_assistant import admission
from research_assistant.admission import PACKAGED, Limit, Pressure, Refusal, Waiting, decide, load

from bongsu.cli.catalogue import RENDERED, compile_all, load_catalogue
from bongsu.core.errors import UsageError

ROOT = Path(__file__).parents[3]
LIMITS = {"batch": Limit(2.5, 10), "interactive": Limit(5.0, 20)}


def waiting(priority: str, depth: int = 1, age: float = 0.0, tenant: str = "x", *, at_limit: bool = False) -> Waiting:
    return Waiting(tenant, priority, depth, age, at_limit)


def refused(pressure: Pressure, tenant: str = "me") -> dict[str, bool]:
    return {priority: decide(LIMITS, pressure, tenant, priority) is not None for priority in LIMITS}


def shed_order(limits: dict[str, Limit]) -> list[str]:
    """Return the priorities in the order in which a growing queue makes each refused."""
    order: list[str] = []
    for depth in range(100):
        pressure = Pressure((waiting("interactive", depth),))
        order += [each for each in sorted(limits) if each not in order and decide(limits, pressure, "me", each)]
    return order


def test_an_empty_queue_admits_everything() -> None:
    assert refused(Pressure()) == {"batch": False, "interactive": False}


def test_batch_is_shed_before_interactive() -> None:
    assert shed_order(LIMITS) == ["batch", "interactive"]


def test_a_reversed_order_is_found() -> None:
    assert shed_order({"batch": LIMITS["interactive"], "interactive": LIMITS["batch"]}) == ["interactive", "batch"]


@pytest.mark.parametrize(
    ("pressure", "batch", "interactive"),
    [
        (Pressure((waiting("interactive", age=2.5),)), False, False),
        (Pressure((waiting("interactive", age=2.6),)), True, False),
        (Pressure((waiting("interactive", age=5.1),)), True, True),
        (Pressure((waiting("batch", age=60.0, depth=500),)), True, False),
        (Pressure((waiting("batch", depth=9),)), False, False),
        (Pressure((waiting("batch", depth=5), waiting("interactive", depth=5))), True, False),
        (Pressure((waiting("interactive", depth=20),)), True, True),
        (Pressure((waiting("interactive", depth=20),), rate=40.0), False, False),
        (Pressure((waiting("interactive", depth=100),), rate=40.0), True, False),
        (Pressure((waiting("interactive", depth=200),), rate=40.0), True, True),
    ],
)
def test_what_waits_in_front_of_a_run_decides(pressure: Pressure, batch: bool, interactive: bool) -> None:
    assert refused(pressure) == {"batch": batch, "interactive": interactive}


def test_what_a_tenant_at_its_own_limit_has_waiting_counts_against_it_alone() -> None:
    pressure = Pressure((waiting("interactive", 500, 60.0, "greedy", at_limit=True),))
    assert refused(pressure, "me") == {"batch": False, "interactive": False}
    assert refused(pressure, "greedy") == {"batch": True, "interactive": True}


def test_a_refusal_says_when_to_come_back() -> None:
    assert decide(LIMITS, Pressure((waiting("interactive", age=7.2),)), "me", "interactive") == Refusal("age", 8)
    assert decide(LIMITS, Pressure((waiting("batch", 100),), rate=10.0), "me", "batch") == Refusal("depth", 10)
    assert decide(LIMITS, Pressure((waiting("batch", age=9_999.0),)), "me", "batch") == Refusal("age", 60)


async def test_what_was_admitted_since_the_last_reading_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(_pool: Any, _concurrency: int) -> Pressure:
        return Pressure()

    monkeypatch.setattr(admission, "read", read)
    now = 0.0
    door = admission.Admission(None, LIMITS, 0, lambda: now)  # type: ignore[arg-type]
    answers = [await door.ask("me", "batch") for _ in range(12)]
    assert [answer is None for answer in answers] == [True] * 10 + [False] * 2
    now += admission.FRESH_SECONDS * 2
    assert await door.ask("me", "batch") is None


def test_the_packaged_limits_are_those_that_are_compiled_from_the_slo() -> None:
    compiled = compile_all(load_catalogue(ROOT))["admission/research-assistant.json"]
    assert PACKAGED.read_text(encoding="utf-8") == compiled
    assert load("") == load(str(ROOT / RENDERED / "admission/research-assistant.json")) == LIMITS


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"shed": {"batch": {}}}', "zero"])
def test_limits_that_cannot_be_read_stop_the_start(tmp_path: Path, content: str) -> None:
    file = tmp_path / "admission.json"
    if content == "zero":
        limit = {"waiting_seconds": 0, "depth": 1}
        content = json.dumps({"shed": {"batch": limit, "interactive": limit}})
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"admission|positive"):
        load(str(file))
