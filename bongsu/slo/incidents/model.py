"""Incidents with the answer a person would have wanted: pages, tickets or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bongsu.core.diagnostics import Span

PAGE, TICKET, NOTHING = EXPECTATIONS = ("page", "ticket", "nothing")


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that went wrong, `start` to `end`, in seconds (of the story, or since 1970 for real history).

    While it lasts the share of bad events is `share`, or `burn` times the error budget, for the first `pulse`
    of each `every` seconds. Incidents of real history have neither.
    """

    name: str
    start: float
    end: float
    expect: str
    span: Span
    share: float = 0.0
    burn: float = 0.0
    pulse: float = 0.0
    every: float = 0.0

    def bad(self, budget: float) -> float:
        """Return the share of bad events for an error budget (1 - objective), at most 1."""
        return min(1.0, self.share or self.burn * budget)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Events per second at noon and at midnight, a cosine between; `background` is the burn rate of a good day."""

    day: float
    night: float
    background: float


@dataclass(frozen=True, slots=True)
class Incidents:
    """Incidents in the order of their start; with `traffic` they are a story to generate, `length` seconds long."""

    incidents: tuple[Incident, ...]
    length: float = 0.0
    seed: int = 0
    traffic: Traffic | None = None
