"""Judge what fired against what was labelled: precision, recall, detection, reset (SRE workbook ch. 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.slo.incidents.model import NOTHING, PAGE, TICKET

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bongsu.slo.incidents.model import Incident

Episode = tuple[float, float]
"""First and last second in which something fired without a pause."""


@dataclass(frozen=True, slots=True)
class Found:
    """One incident and what noticed it: seconds from its start to the first alert and from its end to the last."""

    incident: Incident
    detection: float | None
    reset: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the alerts of one severity were worth; `false` are the episodes that no incident explains."""

    wanted: str
    found: tuple[Found, ...]
    episodes: int
    false: tuple[Episode, ...]

    @property
    def recall(self) -> float | None:
        """Return the share of incidents that were noticed; None when there was none to notice."""
        return _share(sum(one.detection is not None for one in self.found), len(self.found))

    @property
    def precision(self) -> float | None:
        """Return the share of episodes that an incident explains; None when nothing fired."""
        return _share(self.episodes - len(self.false), self.episodes)


def episodes(times: Iterable[float], step: float, pause: float = 0.0) -> list[Episode]:
    """Return runs of firing evaluations, `step` seconds apart; a gap of up to `pause` more does not end one."""
    found: list[Episode] = []
    for time in sorted(times):
        if found and time - found[-1][1] <= step * 1.5 + pause:
            found[-1] = (found[-1][0], time)
        else:
            found.append((time, time))
    return found


def judge(wanted: str, fired: Sequence[Episode], incidents: Sequence[Incident], tail: float) -> Verdict:
    """Return what the episodes of one severity (`page` or `ticket`) were worth.

    An episode belongs to an incident when it overlaps it or its `tail` of seconds, in which windows still see it. A
    ticket for what deserves a page is right as well, a page for what deserves a ticket is not; incidents whose label
    is `nothing` explain nothing.
    """
    accepted = {PAGE: (PAGE,), TICKET: (PAGE, TICKET)}[wanted]
    explained = [one for one in incidents if one.expect in accepted]
    false = tuple(episode for episode in fired if not any(_overlap(episode, one, tail) for one in explained))
    found = tuple(_found(one, fired, tail) for one in incidents if one.expect == wanted and one.expect != NOTHING)
    return Verdict(wanted, found, len(fired), false)


def _found(incident: Incident, fired: Sequence[Episode], tail: float) -> Found:
    mine = [episode for episode in fired if _overlap(episode, incident, tail)]
    # An alert that still fires from before is no detection, but whoever looks at it finds this incident too.
    if not mine or mine[0][0] > incident.end + tail:
        return Found(incident, None, None)
    return Found(incident, max(0.0, mine[0][0] - incident.start), max(0.0, mine[-1][1] - incident.end))


def _overlap(episode: Episode, incident: Incident, tail: float) -> bool:
    return episode[0] <= incident.end + tail and episode[1] >= incident.start


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
