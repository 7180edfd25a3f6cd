"""Run one restore drill: back up, write markers, destroy at a random instant, restore, ask, count what was lost.

The same journal, verdicts and evidence as an experiment; the fault is a disaster and the healing is a restore.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bongsu.chaos.journal import PROBE_SECONDS, Event, Journal, Stop
from bongsu.chaos.markers import SHOWN, loss
from bongsu.chaos.model import Verdict
from bongsu.core.errors import BongsuError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from random import Random

    from bongsu.chaos.markers import Ack, Loss
    from bongsu.chaos.model import Drill
    from bongsu.chaos.ports import DrillWorld, MarkersFound, RestoreDone, StepOutcome

BACKUP_SECONDS = 1800.0
RESTORE_SECONDS = 4 * 3600.0
START_SECONDS = 300.0
QUESTIONS_SECONDS = 300.0
FIRST_MARKER_SECONDS = 60.0
POLL = 0.25


@dataclass(slots=True)
class DrillOutcome:
    """The result: verdict and reason, the journal, what was lost and how long it took (None while not known)."""

    verdict: Verdict = Verdict.ERROR
    reason: str = ""
    events: list[Event] = field(default_factory=list)
    struck_at: float | None = None
    declared_at: float | None = None
    answered_at: float | None = None
    waited: float = 0.0
    log_age: float | None = None
    restored: RestoreDone | None = None
    phases: dict[str, float] = field(default_factory=dict)
    database: Loss | None = None
    joint: Loss | None = None
    markers: list[Ack] = field(default_factory=list)

    @property
    def rto(self) -> float | None:
        """Return the seconds from the declared disaster to the first verified answer."""
        if self.declared_at is None or self.answered_at is None:
            return None
        return self.answered_at - self.declared_at


async def run_drill(drill: Drill, world: DrillWorld, random: Random, report: Callable[[str], None]) -> DrillOutcome:
    """Run the drill and return what happened; only a cancelled task raises. `random` decides when it strikes."""
    attempt = _Attempt(drill, world, random, Journal(world.clock, report))
    outcome = attempt.outcome
    try:
        await attempt.run()
        outcome.verdict, outcome.reason = Verdict.PASSED, attempt.summary()
    except Stop as stop:
        outcome.verdict, outcome.reason = stop.verdict, stop.reason
    except BongsuError as error:
        outcome.verdict, outcome.reason = Verdict.ERROR, str(error)
    except asyncio.CancelledError:
        outcome.verdict, outcome.reason = Verdict.INTERRUPTED, "interrupted before the end"
        raise
    finally:
        attempt.journal.note("ended", verdict=outcome.verdict.value, reason=outcome.reason)
    return outcome


@dataclass(slots=True)
class _Attempt:
    drill: Drill
    world: DrillWorld
    random: Random
    journal: Journal
    outcome: DrillOutcome = field(init=False)

    def __post_init__(self) -> None:
        self.outcome = DrillOutcome(events=self.journal.events)

    async def run(self) -> None:
        await self.gate()
        await self.back_up("full")
        try:
            await self.write_markers()
            await self.back_up("incremental")
            await self.wait_for_the_instant()
            await self.strike()
        finally:
            await self.world.writer.stop()
        await self.restore()
        await self.answer()
        await self.count()
        await self.judge()

    # phases

    async def gate(self) -> None:
        """Refuse to destroy a system that did not answer truly before."""
        said = await self.journal.ask(self.world.questions.probe(), "the probe", PROBE_SECONDS)
        if not said.ok:
            raise Stop(Verdict.GATE_FAILED, f"the probe failed before anything was destroyed: {said.said}")
        self.journal.note("gate_passed", probe=said.said)

    async def back_up(self, kind: str) -> None:
        said: StepOutcome = await self.journal.ask(self.world.victim.backup(kind), f"the {kind} backup", BACKUP_SECONDS)
        self.journal.note("backed_up", kind=kind, ok=said.ok, said=said.said)
        if not said.ok:
            raise Stop(Verdict.BACKUP_FAILED, f"the {kind} backup failed: {said.said}")

    async def write_markers(self) -> None:
        await self.journal.ask(self.world.writer.start(self.drill.markers_per_second), "the writer of markers")
        deadline = self.world.clock.now() + FIRST_MARKER_SECONDS
        while not self.world.writer.acknowledged():
            self.refuse_dead_writer()
            if self.world.clock.now() > deadline:
                raise Stop(Verdict.TRAFFIC_TOO_LOW, f"no marker was acknowledged in {FIRST_MARKER_SECONDS:g} s")
            await self.world.clock.sleep(POLL)
        self.journal.note("markers_started", per_second=self.drill.markers_per_second)

    async def wait_for_the_instant(self) -> None:
        """Wait until the random instant: a disaster does not wait until the log is shipped."""
        self.outcome.waited = self.random.uniform(self.drill.earliest, self.drill.latest)
        until = self.world.clock.now() + self.outcome.waited
        while (left := until - self.world.clock.now()) > 0:
            self.refuse_dead_writer()
            await self.world.clock.sleep(min(left, 1.0))

    async def strike(self) -> None:
        self.outcome.struck_at = await self.world.victim.strike()
        await self.world.writer.stop()
        self.outcome.markers = list(self.world.writer.acknowledged())
        self.outcome.declared_at = self.world.clock.now()
        self.journal.note("struck", markers=len(self.outcome.markers), after_seconds=round(self.outcome.waited, 2))
        if not self.outcome.markers:
            raise Stop(Verdict.TRAFFIC_TOO_LOW, "no marker was acknowledged: nothing can be measured")

    async def restore(self) -> None:
        done: RestoreDone = await self.timed("restore", self.world.victim.restore(), RESTORE_SECONDS)
        self.outcome.restored = done
        self.outcome.phases.update({f"restore.{name}": seconds for name, seconds in done.phases.items()})
        self.journal.note("restored", ok=done.ok, said=done.said)
        if not done.ok:
            raise Stop(Verdict.RESTORE_FAILED, done.said)

    async def answer(self) -> None:
        """Start the system and ask until it answers truly: that instant ends the outage for its users."""
        await self.timed("start", self.world.victim.start(), START_SECONDS)
        began = self.world.clock.now()
        said = await self.journal.ask(self.world.questions.probe(), "the probe", PROBE_SECONDS)
        self.outcome.answered_at = self.world.clock.now()
        self.outcome.phases["answer"] = self.outcome.answered_at - began
        self.journal.note("first_answer", ok=said.ok, said=said.said)
        if not said.ok:
            raise Stop(Verdict.ANSWER_WRONG, f"the restored system does not answer truly: {said.said}")

    async def count(self) -> None:
        """Find the markers again, in the database and in the index."""
        found: MarkersFound = await self.journal.ask(self.world.questions.find_markers(), "the markers", PROBE_SECONDS)
        struck_at = self.outcome.struck_at or 0.0
        self.outcome.database = loss(self.outcome.markers, found.database, struck_at)
        self.outcome.joint = loss(self.outcome.markers, both(found.database, found.index), struck_at)
        self.journal.note("counted", **_words(self.outcome.database, self.outcome.joint))
        if found.damaged:
            numbers = ", ".join(map(str, list(found.damaged)[:SHOWN]))
            raise Stop(Verdict.MARKERS_MISSING, f"markers came back with another content: {numbers}")

    async def judge(self) -> None:
        """Compare with the bar; the order is from the cause to its effects."""
        restored, database, joint = self.outcome.restored, self.outcome.database, self.outcome.joint
        if restored is None or database is None or joint is None:
            raise AssertionError
        bar = self.drill.bar
        self.outcome.log_age = (self.outcome.struck_at or 0.0) - restored.reaches
        if self.outcome.log_age > bar.log_age:
            raise Stop(
                Verdict.LOG_STOPPED,
                f"the log in repository {self.drill.source} was {self.outcome.log_age:.1f} s old at the disaster, more "
                f"than {bar.log_age:g} s: nobody shipped it",
            )
        if database.gaps or joint.gaps:
            gaps = database.gaps or joint.gaps
            where = "the database" if database.gaps else "the index"
            numbers = ", ".join(map(str, gaps[:SHOWN]))
            raise Stop(
                Verdict.MARKERS_MISSING,
                f"{len(gaps)} acknowledged marker(s) are gone from {where} although later ones are there: {numbers}",
            )
        if restored.repaired:
            raise Stop(Verdict.INDEX_WRONG, "; ".join(restored.repaired))
        self.require(
            await self.journal.ask(self.world.victim.configuration(), "the configuration", PROBE_SECONDS),
            Verdict.CONFIGURATION_WRONG,
            "the configuration",
        )
        if max(database.rpo, joint.rpo) > bar.rpo:
            raise Stop(Verdict.RPO_MISSED, f"{joint.missing} marker(s) are lost, RPO {joint.rpo:.1f} s > {bar.rpo:g} s")
        if (self.outcome.rto or 0.0) > bar.rto:
            raise Stop(Verdict.RTO_MISSED, f"the first true answer came after {self.outcome.rto:.1f} s > {bar.rto:g} s")
        said = await self.journal.ask(self.world.questions.probe_all(), "the golden questions", QUESTIONS_SECONDS)
        self.require(said, Verdict.ANSWER_WRONG, "the golden questions")
        said = await self.journal.ask(self.world.questions.ask_marker(joint.kept), "a marker", PROBE_SECONDS)
        self.require(said, Verdict.ANSWER_WRONG, f"marker {joint.kept}, younger than every backup,")
        said = await self.journal.ask(self.world.victim.resumed(), "the backups", BACKUP_SECONDS)
        self.require(said, Verdict.NOT_RESUMED, "the backups after the restore")

    # small helpers

    def require(self, said: StepOutcome, verdict: Verdict, what: str) -> None:
        self.journal.note("checked", what=what, ok=said.ok, said=said.said)
        if not said.ok:
            raise Stop(verdict, f"{what}: {said.said}")

    async def timed(self, name: str, call: Awaitable[Any], seconds: float) -> Any:
        """Await a port and keep its seconds as a phase of the outage."""
        began = self.world.clock.now()
        try:
            return await self.journal.ask(call, name, seconds)
        finally:
            self.outcome.phases[name] = self.world.clock.now() - began

    def refuse_dead_writer(self) -> None:
        if why := self.world.writer.failure():
            raise Stop(Verdict.ERROR, f"the writer of markers stopped: {why}")

    def summary(self) -> str:
        database, joint = self.outcome.database, self.outcome.joint
        if database is None or joint is None:
            raise AssertionError
        return (
            f"everything came back: RPO {database.rpo:.1f} s (database), {joint.rpo:.1f} s (joint), "
            f"RTO {self.outcome.rto or 0.0:.1f} s to the first true answer"
        )


def both(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the inclusive ranges of numbers that lie in a range of each."""
    pairs = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return sorted((first, last) for first, last in pairs if first <= last)


def _words(database: Loss, joint: Loss) -> Mapping[str, object]:
    return {
        "database_missing": database.missing,
        "database_rpo": round(database.rpo, 3),
        "joint_missing": joint.missing,
        "joint_rpo": round(joint.rpo, 3),
    }
