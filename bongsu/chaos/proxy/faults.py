"""Faults with leases: which are active now, whom they hit, how they end."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from bongsu.chaos.proxy.kinds import KINDS, Action
from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bongsu.chaos.proxy.ledger import Ledger

MAX_LEASE_SECONDS = 3600.0
MAX_ENDED_KEPT = 1000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_COMMON = frozenset({"kind", "match", "probability", "seed"})


@dataclass(frozen=True, slots=True)
class Request:
    """What a fault may know of a request: its number in order of arrival, method and path without query."""

    number: int
    method: str
    path: str


@dataclass(slots=True)
class Fault:
    """One injected fault; `expires` in seconds of the monotonic clock; `ended` is set when it is undone or expired."""

    id: str
    kind: str
    spec: Mapping[str, Any]
    action: Action
    path: str
    probability: float
    seed: int
    expires: float
    state: str = "active"
    hits: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    timer: asyncio.TimerHandle | None = None

    def hits_request(self, request: Request) -> bool:
        """Tell whether this request is hit: by path, then by the seeded draw of its number."""
        if not request.path.startswith(self.path):
            return False
        draw = Random(f"{self.seed}:{self.id}:{request.number}").random()  # noqa: S311 - replayable on purpose
        return draw < self.probability  # random() is below 1, so 1 hits always and 0 never


class Faults:
    """All faults of one proxy. `clock` is monotonic; expiry also works when the event loop was late to notice it."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float], *, pass_through: bool = False) -> None:
        self._ledger = ledger
        self._clock = clock
        self._pass_through = pass_through
        self._faults: dict[str, Fault] = {}
        self._count = 0

    def inject(self, spec: object, lease_seconds: object, chosen_id: object = None) -> str:
        """Activate a fault and return its id; raise UsageError for a wrong specification."""
        lease = _lease(lease_seconds)
        fault = self._new(spec, chosen_id, self._clock() + lease)
        self._forget_old()
        self._faults[fault.id] = fault
        self._ledger.write("injected", fault.id, kind=fault.kind, spec=fault.spec, lease_seconds=lease)
        self._arm(fault, lease)
        return fault.id

    def renew(self, id_: object, lease_seconds: object) -> str:
        """Extend the lease of an active fault from now on."""
        lease = _lease(lease_seconds)
        fault = self._faults.get(id_) if isinstance(id_, str) else None
        if fault is None or not self._is_active(fault):
            raise UsageError(f"no fault {id_!r} is active", next="inject it again")
        fault.expires = self._clock() + lease
        self._arm(fault, lease)
        return fault.id

    def undo(self, id_: object) -> bool:
        """End a fault and tell whether it was active; undoing one that never came to be is no error."""
        fault = self._faults.get(id_) if isinstance(id_, str) else None
        if fault is None or not self._is_active(fault):
            return False
        self._end(fault, "undone")
        return True

    def undo_all(self) -> None:
        """End every active fault."""
        for fault in self._faults.values():
            if self._is_active(fault):
                self._end(fault, "undone")

    def hit(self, request: Request) -> list[Fault]:
        """Return the active faults that hit a request, in order of injection; the caller records those it applies."""
        if self._pass_through:
            return []
        return [fault for fault in self._faults.values() if self._is_active(fault) and fault.hits_request(request)]

    def record(self, fault: Fault, request: Request, status: int | None) -> None:
        """Write one hit to the ledger."""
        fault.hits += 1
        self._ledger.write(
            "hit",
            fault.id,
            kind=fault.kind,
            request=request.number,
            method=request.method,
            path=request.path,
            status=status,
        )

    def describe(self) -> list[dict[str, Any]]:
        """Return every fault with its state, hits and the seconds its lease has left."""
        now = self._clock()
        return [
            {
                "id": fault.id,
                "kind": fault.kind,
                "spec": fault.spec,
                "state": "active" if self._is_active(fault) else fault.state,
                "hits": fault.hits,
                "remaining_seconds": round(max(0.0, fault.expires - now), 3) if fault.state == "active" else 0.0,
            }
            for fault in self._faults.values()
        ]

    def _new(self, spec: object, chosen_id: object, expires: float) -> Fault:
        if not isinstance(spec, dict):
            raise UsageError("a fault is a JSON object with a kind")
        kind = spec.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            raise UsageError(f"no fault is of kind {kind!r}", next=f"choose one of {', '.join(KINDS)}")
        unknown = sorted(set(spec) - _COMMON - KINDS[kind].parameters)
        if unknown:
            known = ", ".join(sorted(_COMMON | KINDS[kind].parameters))
            raise UsageError(f"{kind} has no parameter {', '.join(unknown)}", next=f"it knows {known}")
        return Fault(
            id=self._id(chosen_id),
            kind=kind,
            spec=spec,
            action=KINDS[kind].make(spec),
            path=_path(spec.get("match", {})),
            probability=_probability(spec.get("probability", 1)),
            seed=_seed(spec.get("seed", 0)),
            expires=expires,
        )

    def _id(self, chosen: object) -> str:
        if chosen is None:
            self._count += 1
            return f"f{self._count}" if f"f{self._count}" not in self._faults else self._id(None)
        if not isinstance(chosen, str) or not _ID.fullmatch(chosen):
            raise UsageError("an id is 1 to 64 letters, digits, dots, hyphens or underscores")
        if chosen in self._faults:
            raise UsageError(f"the id {chosen} was used before", next="choose another one")
        return chosen

    def _is_active(self, fault: Fault) -> bool:
        if fault.state == "active" and self._clock() >= fault.expires:
            self._end(fault, "expired")
        return fault.state == "active"

    def _arm(self, fault: Fault, lease: float) -> None:
        if fault.timer is not None:
            fault.timer.cancel()
        fault.timer = asyncio.get_running_loop().call_later(lease, self._expire, fault)

    def _expire(self, fault: Fault) -> None:
        # the timer may fire a clock tick early: ask again until the lease really ended
        if self._is_active(fault):
            self._arm(fault, max(0.001, fault.expires - self._clock()))

    def _end(self, fault: Fault, how: str) -> None:
        fault.state = how
        if fault.timer is not None:
            fault.timer.cancel()
        fault.ended.set()
        self._ledger.write(how, fault.id, kind=fault.kind)

    def _forget_old(self) -> None:
        ended = [fault.id for fault in self._faults.values() if not self._is_active(fault)]
        for id_ in ended[: max(0, len(ended) - MAX_ENDED_KEPT)]:
            del self._faults[id_]


def _lease(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_LEASE_SECONDS:
        raise UsageError(f"lease_seconds must be above 0 and at most {MAX_LEASE_SECONDS:g}, not {value!r}")
    return float(value)


def _path(match: object) -> str:
    if not isinstance(match, dict) or set(match) - {"path"}:
        raise UsageError('match is a JSON object such as {"path": "/v1/chat/completions"}')
    path = match.get("path", "/")
    if not isinstance(path, str) or not path.startswith("/"):
        raise UsageError(f"match.path must begin with a slash, not {path!r}")
    return path


def _probability(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UsageError(f"probability must be between 0 and 1, not {value!r}")
    return float(value)


def _seed(value: object) -> int:
    if type(value) is not int:
        raise UsageError(f"seed must be an integer, not {value!r}")
    return value
