"""Run one experiment: lead in, break, watch the alerts, execute the runbook while broken, watch them clear, undo.

Every wait has a deadline and a verdict in words; the undo is registered before the fault and unwinds whatever happens.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bongsu.chaos.journal import PORT_SECONDS, PROBE_SECONDS, Event, Journal, Stop
from bongsu.chaos.model import Verdict
from bongsu.core.conventions import LABEL_ALERT, LABEL_SEVERITY, SEVERITIES
from bongsu.core.errors import BongsuError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bongsu.chaos.plan import Expectation, Plan
    from bongsu.chaos.ports import ActiveAlert, Notice, StepOutcome, World

POLL = 0.25
OBSERVED_SECONDS = 15.0
PAGE_CHANNELS = ("phone", "sms")


@dataclass(frozen=True, slots=True)
class Step:
    """One executable step of a runbook: what it is called in the evidence and how it runs."""

    section: str
    name: str
    run: Callable[[World], Awaitable[StepOutcome]]


@dataclass(frozen=True, slots=True)
class Steps:
    """A runbook cut at its headings: check and act run while the fault is active, verify after the alerts cleared."""

    alert: str
    check: tuple[Step, ...]
    act: tuple[Step, ...]
    verify: tuple[Step, ...]


@dataclass(slots=True)
class AlertTrace:
    """What was seen of one expected alert, in Unix seconds."""

    expectation: Expectation
    labels: dict[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    routed_labels: dict[str, str] = field(default_factory=dict)
    delivered_labels: dict[str, str] = field(default_factory=dict)
    delivered_fingerprint: str = ""
    pending_at: float | None = None
    firing_at: float | None = None
    routed_at: float | None = None
    delivered_at: float | None = None
    cleared_at: float | None = None


@dataclass(slots=True)
class Outcome:
    """The result: verdict, its reason in one sentence, the journal and what was seen."""

    verdict: Verdict = Verdict.ERROR
    reason: str = ""
    events: list[Event] = field(default_factory=list)
    traces: list[AlertTrace] = field(default_factory=list)
    hits: int = 0
    also_fired: list[dict[str, str]] = field(default_factory=list)
    dedup_keys: list[str] = field(default_factory=list)
    deliveries: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)

    def at(self, name: str) -> float | None:
        """Return when the first event of this name happened."""
        return next((event.at for event in self.events if event.name == name), None)


async def run_experiment(
    plan: Plan, world: World, steps: Steps, fingerprint: Callable[[dict[str, str]], str], report: Callable[[str], None]
) -> Outcome:
    """Run the plan against the world and return what happened; only a cancelled task raises (after the undo).

    `fingerprint` computes Alertmanager's identity of a label set; `report` receives one line per step.
    """
    attempt = _Attempt(plan, world, steps, fingerprint, report)
    try:
        await attempt.run()
        attempt.outcome.verdict, attempt.outcome.reason = Verdict.PASSED, "every alert fired, was delivered and cleared"
    except Stop as stop:
        attempt.outcome.verdict, attempt.outcome.reason = stop.verdict, stop.reason
    except BongsuError as error:
        attempt.outcome.verdict, attempt.outcome.reason = Verdict.ERROR, str(error)
    except asyncio.CancelledError:
        attempt.outcome.verdict, attempt.outcome.reason = Verdict.INTERRUPTED, "interrupted before the end"
        raise
    finally:
        attempt.note("ended", verdict=attempt.outcome.verdict.value, reason=attempt.outcome.reason)
    return attempt.outcome


class _Attempt:
    """One run of a plan: the journal grows, phases follow one another."""

    def __init__(
        self,
        plan: Plan,
        world: World,
        steps: Steps,
        fingerprint: Callable[[dict[str, str]], str],
        report: Callable[[str], None],
    ) -> None:
        self.plan, self.world, self.steps = plan, world, steps
        self.fingerprint = fingerprint
        self.journal = Journal(world.clock, report)
        self.note, self.ask = self.journal.note, self.journal.ask
        traces = [AlertTrace(expectation) for expectation in plan.expectations]
        self.outcome = Outcome(traces=traces, events=self.journal.events)
        self.healed_at = 0.0

    async def run(self) -> None:
        await self.gate()
        await self.ask(self.world.traffic.start(self.plan.experiment.rate), "the traffic generator")
        try:
            await self.lead_in()
            await self.break_and_heal()
        finally:
            self.count_runs()
            await self.ask(self.world.traffic.stop(), "the traffic generator")
        await self.verify()

    # phases

    async def gate(self) -> None:
        """Refuse to start on a system that does not answer truly or already has an alert under proof active."""
        answer = await self.ask(self.world.hands.probe(), "the probe", PROBE_SECONDS)
        if not answer.ok:
            raise Stop(Verdict.GATE_FAILED, f"the probe failed before anything was broken: {answer.said}")
        self.note("gate_passed", probe=answer.said)
        await self.refuse_active("before the traffic started")

    async def lead_in(self) -> None:
        """Fill every window under proof with clean traffic: a young series has a small denominator and fires early."""
        await self.first_run()
        started = self.world.clock.now()
        self.note("lead_in_started", seconds=self.plan.lead_in, rate=self.plan.experiment.rate)
        while (left := started + self.plan.lead_in - self.world.clock.now()) > 0:
            await self.world.clock.sleep(min(left, 1.0))
            self.refuse_dead_traffic()
        finished = [run for run in self.world.traffic.finished() if run.finished_at >= started]
        failed = [run.error for run in finished if not run.ok]
        if failed:
            raise Stop(Verdict.GATE_FAILED, f"{len(failed)} run(s) failed in the lead-in, first: {failed[0]}")
        seen = len(finished) / (self.world.clock.now() - started) * self.plan.floor_window
        if seen < 2 * self.plan.floor:
            raise Stop(
                Verdict.TRAFFIC_TOO_LOW,
                f"{seen:.1f} finished runs per {self.plan.floor_window:g} s window, "
                f"twice the floor would be {2 * self.plan.floor:g}",
            )
        await self.refuse_active("at the end of the clean lead-in")
        self.note("lead_in_ended", runs=len(finished), events_per_window=round(seen, 1))

    async def first_run(self) -> None:
        """Wait for the first finished run: a generator that is still starting fills no window."""
        deadline = self.world.clock.now() + PROBE_SECONDS
        while not self.world.traffic.finished():
            self.refuse_dead_traffic()
            if self.world.clock.now() > deadline:
                raise Stop(Verdict.TRAFFIC_TOO_LOW, f"no run finished in the first {PROBE_SECONDS:g} s of traffic")
            await self.world.clock.sleep(POLL)

    async def break_and_heal(self) -> None:
        line, fault = self.world.fault_line, self.plan.experiment.fault
        async with contextlib.AsyncExitStack() as undo:
            identifier = f"{self.plan.experiment.name}-{int(self.world.clock.now())}"
            undo.push_async_callback(self.undo, identifier)
            await self.inject(identifier)
            renewing = asyncio.ensure_future(self.renew(identifier))
            undo.push_async_callback(_cancel, renewing)
            if (status := await self.ask(line.direct(), "the fault proxy")) != fault.parameters.get("status", status):
                raise Stop(
                    Verdict.FAULT_NOT_OBSERVED, f"a direct request through the proxy got {status}, not the fault"
                )
            await self.watch_fire(identifier)
            await self.runbook()
            await self.watch_clear(identifier)
            await self.one_page()

    async def inject(self, identifier: str) -> None:
        fault = self.plan.experiment.fault
        try:
            await self.ask(self.world.fault_line.inject(fault, identifier), "the fault proxy")
        except BongsuError as error:
            raise Stop(Verdict.INJECTION_FAILED, str(error)) from error
        self.note("injected", fault=identifier, kind=fault.kind)

    async def renew(self, identifier: str) -> None:
        """Keep the lease alive while we are; if we die, the fault dies `lease` seconds later."""
        lease = self.plan.experiment.fault.lease
        while True:
            await self.world.clock.sleep(lease / 3)
            await self.world.fault_line.renew(identifier, lease)

    async def watch_fire(self, identifier: str) -> None:
        """Wait until every expected alert fired, was routed and was delivered, each inside its own deadline."""
        broken_at = self.outcome.at("injected") or self.world.clock.now()
        while True:
            now = self.world.clock.now()
            await self.observe_fault(identifier, broken_at, now)
            await self.look(now)
            missing = [trace for trace in self.outcome.traces if trace.delivered_at is None]
            if not missing:
                break
            for trace in missing:
                self.judge_missing(trace, broken_at, now)
            await self.world.clock.sleep(POLL)
        await self.paged(broken_at)

    async def observe_fault(self, identifier: str, broken_at: float, now: float) -> None:
        hits = int(await self.ask(self.world.fault_line.hits(identifier), "the fault proxy"))
        # Our own direct request is one of the hits: the system's requests are those beyond it.
        if hits > 1 and self.outcome.at("observed") is None:
            self.note("observed", hits=hits)
        self.outcome.hits = hits
        if hits <= 1 and now - broken_at > OBSERVED_SECONDS:
            raise Stop(Verdict.FAULT_NOT_OBSERVED, f"no request of the system hit the fault in {OBSERVED_SECONDS:g} s")

    async def look(self, now: float) -> None:
        """Read Prometheus, Alertmanager and the receiver once and note what is new."""
        active: Sequence[ActiveAlert] = await self.ask(self.world.metrics.alerts(), "Prometheus")
        routed = {alert.fingerprint: alert for alert in await self.ask(self.world.router.alerts(), "Alertmanager")}
        notices: Sequence[Notice] = await self.ask(self.world.inbox.notices(), "the receiver")
        for trace in self.outcome.traces:
            self.follow(trace, active, now)
            if trace.firing_at is None:
                continue
            found = routed.get(trace.fingerprint)
            if trace.routed_at is None and found is not None and dict(found.labels) == trace.labels:
                trace.routed_at, trace.routed_labels = now, dict(found.labels)
            delivered = _first(notices, "firing", trace.fingerprint, self.outcome.at("injected") or 0.0)
            if trace.delivered_at is None and trace.routed_at and delivered and dict(delivered.labels) == trace.labels:
                trace.delivered_at, trace.delivered_labels = delivered.at, dict(delivered.labels)
                trace.delivered_fingerprint = delivered.fingerprint
                self.note("delivered", alert=str(trace.expectation.expected), at=delivered.at)
        self.remember_others(active)

    def follow(self, trace: AlertTrace, active: Sequence[ActiveAlert], now: float) -> None:
        expected = trace.expectation.expected
        alert = next((a for a in active if expected.matches(a.labels)), None)
        if alert is None or trace.firing_at is not None:
            return
        if trace.pending_at is None:
            trace.pending_at, trace.labels = alert.active_at, dict(alert.labels)
            trace.fingerprint = self.fingerprint(trace.labels)
            self.note("pending", alert=str(expected), at=alert.active_at)
        if alert.state == "firing":
            trace.firing_at = now
            self.note("firing", alert=str(expected))

    def judge_missing(self, trace: AlertTrace, broken_at: float, now: float) -> None:
        expectation = trace.expectation
        if trace.firing_at is None and now > broken_at + expectation.fire_within:
            raise Stop(
                Verdict.NOT_FIRED,
                f"{expectation.expected} did not fire within {expectation.fire_within:.1f} s "
                f"(ideal {expectation.ideal_fire:.1f} s)",
            )
        if trace.firing_at is not None and now > trace.firing_at + self.plan.deliver_within:
            stage = "the receiver" if trace.routed_at else "Alertmanager"
            raise Stop(
                Verdict.ALERT_LOST,
                f"{expectation.expected} fired, and {stage} did not have it with equal labels "
                f"after {self.plan.deliver_within:.1f} s",
            )

    async def paged(self, broken_at: float) -> None:
        """Wait for the phone call and the SMS: an alert nobody hears is lost."""
        if not any(trace.expectation.expected.severity == "critical" for trace in self.outcome.traces):
            return
        deadline = self.world.clock.now() + self.plan.deliver_within
        while True:
            rung = {d.channel for d in await self.deliveries(broken_at)}
            if rung >= set(PAGE_CHANNELS):
                self.note("paged", channels=sorted(rung))
                return
            if self.world.clock.now() > deadline:
                missing = ", ".join(sorted(set(PAGE_CHANNELS) - rung))
                raise Stop(Verdict.ALERT_LOST, f"the alerts were delivered, and no {missing} went out")
            await self.world.clock.sleep(POLL)

    async def runbook(self) -> None:
        """Execute check and act while the fault is still active."""
        await self.require_active("before the runbook")
        self.note("runbook_started", alert=self.steps.alert)
        for step in (*self.steps.check, *self.steps.act):
            await self.execute(step)
        self.healed_at = self.world.clock.now()
        await self.require_active("after the runbook")
        self.note("runbook_ended")

    async def execute(self, step: Step) -> None:
        answer = await self.ask(step.run(self.world), f"runbook step {step.name}", PROBE_SECONDS)
        self.note("runbook_step", section=step.section, step=step.name, ok=answer.ok, said=answer.said)
        if not answer.ok:
            raise Stop(
                Verdict.RUNBOOK_FAILED, f"runbook {self.steps.alert}, {step.section}, {step.name}: {answer.said}"
            )

    async def watch_clear(self, identifier: str) -> None:
        """Wait until every alert cleared everywhere, with real successes since and the fault still there."""
        while True:
            now = self.world.clock.now()
            active: Sequence[ActiveAlert] = await self.ask(self.world.metrics.alerts(), "Prometheus")
            routed = {a.fingerprint for a in await self.ask(self.world.router.alerts(), "Alertmanager")}
            notices: Sequence[Notice] = await self.ask(self.world.inbox.notices(), "the receiver")
            succeeded = sum(run.ok and run.submitted_at >= self.healed_at for run in self.world.traffic.finished())
            enough = succeeded >= self.plan.floor
            self.remember_others(active)
            for trace in self.outcome.traces:
                why = self.still_there(trace, active, routed, notices)
                why = why or (None if enough else f"only {succeeded} run(s) succeeded since the runbook")
                if why is None and trace.cleared_at is None:
                    trace.cleared_at = now
                    self.note("cleared", alert=str(trace.expectation.expected), successes=succeeded)
                elif why is not None and trace.cleared_at is None and now > self.clear_deadline(trace):
                    raise Stop(Verdict.NOT_CLEARED, f"{trace.expectation.expected}: {why}")
                elif why is not None and trace.cleared_at is not None:
                    raise Stop(Verdict.NOT_CLEARED, f"{trace.expectation.expected} cleared and came back: {why}")
            if all(trace.cleared_at is not None for trace in self.outcome.traces):
                break
            await self.world.clock.sleep(POLL)
        self.outcome.hits = int(await self.ask(self.world.fault_line.hits(identifier), "the fault proxy"))
        await self.require_active("when the last alert had cleared")

    def still_there(
        self, trace: AlertTrace, active: Sequence[ActiveAlert], routed: set[str], notices: Sequence[Notice]
    ) -> str | None:
        """Return in words why the alert is not cleared, or None."""
        if any(trace.expectation.expected.matches(alert.labels) for alert in active):
            return "still active in Prometheus"
        if trace.fingerprint in routed:
            return "still active in Alertmanager"
        if (
            trace.cleared_at is None
            and _first(notices, "resolved", trace.fingerprint, trace.delivered_at or 0.0) is None
        ):
            return "its resolution never reached the receiver"
        return None

    def clear_deadline(self, trace: AlertTrace) -> float:
        slowest = max(other.expectation.clear_within for other in self.outcome.traces)
        # The receiver hears of a resolution per group: the slowest alert of the incident sets the pace.
        return self.healed_at + max(slowest, trace.expectation.clear_within)

    async def one_page(self) -> None:
        """Require one incident, one page: one dedup key and one call and one SMS until the last alert cleared."""
        broken_at = self.outcome.at("injected") or 0.0
        pages = await self.ask(self.world.inbox.pages(), "the receiver")
        keys = sorted({page.dedup_key for page in pages if page.at >= broken_at and page.action == "trigger"})
        deliveries = await self.deliveries(broken_at)
        self.outcome.dedup_keys = keys
        self.outcome.deliveries = {name: sum(d.channel == name for d in deliveries) for name in PAGE_CHANNELS}
        if len(keys) != 1 or any(count != 1 for count in self.outcome.deliveries.values()):
            raise Stop(Verdict.PAGED_TWICE, f"one incident gave {len(keys)} dedup key(s) and {self.outcome.deliveries}")
        self.note("one_page", dedup_key=keys[0])

    async def verify(self) -> None:
        """Execute the runbook's verify steps after the alerts cleared."""
        for step in self.steps.verify:
            await self.execute(step)

    async def undo(self, identifier: str) -> None:
        """Remove the fault and see it gone; we chose its identifier, so even a lost answer to `inject` is undone."""
        lease = self.plan.experiment.fault.lease
        with contextlib.suppress(BongsuError, TimeoutError):  # the check below decides, not the answer
            await self.world.clock.within(PORT_SECONDS, self.world.fault_line.undo(identifier))
        broken = self.plan.experiment.fault.parameters.get("status")
        deadline = self.world.clock.now() + lease + PORT_SECONDS
        status: int | None = None
        while self.world.clock.now() < deadline:
            with contextlib.suppress(BongsuError, TimeoutError):
                status = await self.world.clock.within(PORT_SECONDS, self.world.fault_line.direct())
                if status != broken:
                    self.note("undone", direct_status=status)
                    return
            await self.world.clock.sleep(POLL)
        raise Stop(Verdict.NOT_UNDONE, f"a direct request through the proxy still gets {status}")

    # small helpers

    async def deliveries(self, since: float) -> list[Any]:
        return [d for d in await self.ask(self.world.inbox.deliveries(), "the receiver") if d.at >= since]

    async def require_active(self, when: str) -> None:
        broken = self.plan.experiment.fault.parameters.get("status")
        status = await self.ask(self.world.fault_line.direct(), "the fault proxy")
        self.note("direct_request", when=when, status=status)
        if broken is not None and status != broken:
            raise Stop(Verdict.FAULT_NOT_OBSERVED, f"the fault was gone {when}: a direct request got {status}")

    async def refuse_active(self, when: str) -> None:
        """Wait until no critical alert and no page is open, at most one lead-in long, then refuse.

        Any critical alert of the service would already hold the page that the proof must see going out.
        """
        deadline = self.world.clock.now() + self.plan.lead_in
        while (why := await self.occupied()) is not None:
            if self.world.clock.now() > deadline:
                raise Stop(Verdict.ALREADY_FIRING, f"{why} {when}")
            await self.world.clock.sleep(1.0)

    async def occupied(self) -> str | None:
        """Return what is already firing or paged, or None."""
        for alert in await self.ask(self.world.metrics.alerts(), "Prometheus"):
            expected = any(trace.expectation.expected.matches(alert.labels) for trace in self.outcome.traces)
            if expected or (alert.state == "firing" and alert.labels.get(LABEL_SEVERITY) == SEVERITIES[0]):
                return f"{alert.labels.get(LABEL_ALERT)} was {alert.state}"
        last = {page.dedup_key: page.action for page in await self.ask(self.world.inbox.pages(), "the receiver")}
        return "a page was open" if any(action != "resolve" for action in last.values()) else None

    def refuse_dead_traffic(self) -> None:
        if why := self.world.traffic.failure():
            raise Stop(Verdict.ERROR, f"the traffic generator stopped: {why}")

    def remember_others(self, active: Sequence[ActiveAlert]) -> None:
        for alert in active:
            labels = dict(alert.labels)
            expected = any(trace.expectation.expected.matches(labels) for trace in self.outcome.traces)
            if alert.state == "firing" and not expected and labels not in self.outcome.also_fired:
                self.outcome.also_fired.append(labels)

    def count_runs(self) -> None:
        finished = self.world.traffic.finished()
        self.outcome.runs = {
            "succeeded": sum(run.ok for run in finished),
            "failed": sum(not run.ok for run in finished),
            "succeeded_since_runbook": sum(
                run.ok and run.submitted_at >= self.healed_at for run in finished if self.healed_at
            ),
        }


def _first(notices: Sequence[Notice], status: str, fingerprint: str, since: float) -> Notice | None:
    return next((n for n in notices if n.status == status and n.fingerprint == fingerprint and n.at >= since), None)


async def _cancel(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, BongsuError):
        await task
