"""The journal that every attempt writes, whether an experiment or a drill: what happened when, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bongsu.chaos.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bongsu.chaos.ports import Clock

PORT_SECONDS = 10.0
"""No component may take longer than this to answer one question of ours; slower ones count as hung."""
PROBE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal: Unix seconds, what happened, and its particulars."""

    at: float
    name: str
    detail: dict[str, Any]


class Stop(Exception):  # noqa: N818 - a verdict, not an error
    """End the attempt with a verdict."""

    def __init__(self, verdict: Verdict, reason: str) -> None:
        self.verdict, self.reason = verdict, reason
        super().__init__(reason)


@dataclass(slots=True)
class Journal:
    """Grows line by line; `report` receives each line in words."""

    clock: Clock
    report: Callable[[str], None]
    events: list[Event] = field(default_factory=list)

    def note(self, name: str, **detail: Any) -> None:
        """Write down that something happened now."""
        self.events.append(Event(self.clock.now(), name, detail))
        self.report(" ".join([name.replace("_", " "), *(f"{key}={value}" for key, value in detail.items())]))

    def at(self, name: str) -> float | None:
        """Return when the first event of this name happened."""
        return next((event.at for event in self.events if event.name == name), None)

    async def ask(self, call: Awaitable[Any], who: str, seconds: float = PORT_SECONDS) -> Any:
        """Await a port; too slow is a verdict of its own."""
        try:
            return await self.clock.within(seconds, call)
        except TimeoutError:
            raise Stop(Verdict.HUNG, f"{who} did not answer within {seconds:g} s") from None
