"""A world for the runner that runs on virtual time: rules, routing and runs as arithmetic, no process and no clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bongsu.chaos.fingerprint import fingerprint
from bongsu.chaos.model import DirectRequest, Expected, Experiment, Fault
from bongsu.chaos.plan import Expectation, Plan
from bongsu.chaos.ports import (
    ActiveAlert,
    Delivery,
    FinishedRun,
    Notice,
    Page,
    RoutedAlert,
    StepOutcome,
    World,
)
from bongsu.chaos.run import Outcome, Step, Steps, run_experiment
from bongsu.core.diagnostics import Span

EPOCH = 1_000_000.0
RUN_SECONDS = 0.3
NEVER = float("inf")
BURN = Expected("AnswersBudgetBurn", "critical", {"tier": "fast"})
ERRORS = Expected("ErrorsHigh", "critical")


def run_virtually(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on a loop whose clock jumps to the next timer instead of waiting for it."""
    loop = asyncio.SelectorEventLoop()
    elapsed = [0.0]
    select = loop._selector.select  # type: ignore[attr-defined]  # noqa: SLF001 - the one seam of the standard loop

    def jump(timeout: float | None) -> Any:
        elapsed[0] += timeout or 0.0
        return select(0)

    loop._selector.select = jump  # type: ignore[attr-defined]  # noqa: SLF001
    loop.time = lambda: elapsed[0]  # type: ignore[method-assign]
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def make_plan(rate: float = 10.0) -> Plan:
    experiment = Experiment(
        name="demo",
        title={"en": "demo", "ko": "demo"},
        hypothesis="it heals",
        factor=60.0,
        scrape=0.5,
        rate=rate,
        fault=Fault("llm-primary", "http-error", {"status": 500, "body": "server_error"}, "/v1", 10.0),
        direct=DirectRequest("POST", "/v1/chat/completions", "{}"),
        expects=(BURN, ERRORS),
        runbook="AnswersBudgetBurn",
        span=Span("demo.yaml"),
    )
    expectations = (Expectation(BURN, 9.0, 30.0, 4.0, 25.0), Expectation(ERRORS, 6.0, 25.0, 15.0, 40.0))
    return Plan(experiment, expectations, 60.0, 20.0, 5.0, 10.0, ("AnswersBudgetBurn critical tier=slow",))


@dataclass
class Simulation:
    """The simulated system; each defect is one field."""

    pass_through: bool = False
    heals: bool = True
    stop_after_act: bool = False
    drop: bool = False
    page_twice: bool = False
    firing_before: bool = False
    hang: str = ""
    probe_ok: bool = True
    undo_works: bool = True
    slow_traffic: float = 1.0
    action_ok: bool = True
    other_labels_delivered: bool = False
    broken_at: float = NEVER
    fixed_at: float = NEVER
    undone_at: float = NEVER
    lease_until: float = NEVER
    looks: int = 0
    switched_at: float = NEVER
    started_at: float = NEVER
    stopped_at: float = NEVER
    rate: float = 0.0
    identifier: str = ""
    renewed: int = 0
    asked: list[str] = field(default_factory=list)

    def now(self) -> float:
        return EPOCH + asyncio.get_event_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def within(self, seconds: float, work: Awaitable[Any]) -> Any:
        return await asyncio.wait_for(work, seconds)

    def world(self) -> World:
        return World(self, _Metrics(self), _Router(self), _Inbox(self), _Line(self), _Traffic(self), _Hands(self))

    async def answer(self, who: str) -> None:
        self.asked.append(who)
        if self.hang == who:
            await asyncio.sleep(10_000)

    def broken(self, at: float) -> bool:
        until = min(self.undone_at, self.lease_until) if self.undo_works else NEVER
        return self.broken_at <= at < until and not self.pass_through

    def hurts(self, at: float) -> bool:
        return self.broken(at) and at < self.switched_at

    def runs(self) -> list[FinishedRun]:
        if self.started_at == NEVER:
            return []
        step = 1 / (self.rate * self.slow_traffic)
        until = min(self.now(), self.stopped_at) - RUN_SECONDS
        count = int((until - self.started_at) / step) + 1 if until >= self.started_at else 0
        submitted = [self.started_at + index * step for index in range(count)]
        return [FinishedRun(at, at + RUN_SECONDS, not self.hurts(at), "llm_server") for at in submitted]

    def interval(self, expectation: Expectation) -> tuple[float, float]:
        """Return when the alert fires and clears; without traffic its series run dry and it clears as well."""
        if self.firing_before:
            return 0.0, NEVER
        if self.pass_through or self.broken_at == NEVER:
            return NEVER, NEVER
        end = min(self.switched_at, self.stopped_at)
        return self.broken_at + expectation.ideal_fire, end + expectation.ideal_clear

    def history(self) -> list[tuple[float, str, dict[str, str]]]:
        events = []
        for expectation in make_plan().expectations:
            labels = labels_of(expectation.expected)
            fires, clears = self.interval(expectation)
            events += [(fires + 0.5, "firing", labels)] if fires + 0.5 <= self.now() else []
            last = max(self.interval(e)[1] for e in make_plan().expectations)
            events += [(last + 0.5, "resolved", labels)] if last + 0.5 <= self.now() and clears < NEVER else []
        return [] if self.drop else sorted(events, key=lambda event: event[0])


def labels_of(expected: Expected) -> dict[str, str]:
    return {"alertname": expected.alert, "severity": expected.severity, "service": "demo", **expected.labels}


@dataclass
class _Part:
    sim: Simulation


class _Metrics(_Part):
    async def alerts(self) -> Sequence[ActiveAlert]:
        await self.sim.answer("prometheus")
        active = []
        for expectation in make_plan().expectations:
            fires, clears = self.sim.interval(expectation)
            if fires <= self.sim.now() < clears:
                active.append(ActiveAlert(labels_of(expectation.expected), "firing", fires))
        return active

    async def query(self, expression: str) -> Sequence[float]:
        await self.sim.answer(expression)
        return [1.0]


class _Router(_Part):
    async def alerts(self) -> Sequence[RoutedAlert]:
        return [RoutedAlert(a.labels, fingerprint(a.labels)) for a in await _Metrics(self.sim).alerts()]


class _Inbox(_Part):
    async def notices(self) -> Sequence[Notice]:
        await self.sim.answer("receiver")
        changed = {"extra": "label"} if self.sim.other_labels_delivered else {}
        return [
            Notice(at, status, {**labels, **changed}, fingerprint({**labels, **changed}))
            for at, status, labels in self.sim.history()
        ]

    async def pages(self) -> Sequence[Page]:
        firing = [at for at, status, _ in self.sim.history() if status == "firing"]
        return [Page(at, "trigger", f"key{index if self.sim.page_twice else 0}") for index, at in enumerate(firing)]

    async def deliveries(self) -> Sequence[Delivery]:
        first = {page.dedup_key: page for page in reversed(await self.pages())}
        return [Delivery(p.at, channel, p.dedup_key) for p in first.values() for channel in ("sms", "phone")]


class _Line(_Part):
    async def inject(self, fault: Fault, identifier: str) -> None:
        await self.sim.answer(fault.kind)
        self.sim.broken_at, self.sim.identifier = self.sim.now(), identifier
        self.sim.undone_at, self.sim.lease_until, self.sim.looks = NEVER, self.sim.now() + fault.lease, 0

    async def renew(self, identifier: str, lease: float) -> None:
        assert identifier == self.sim.identifier
        self.sim.lease_until = self.sim.now() + lease
        self.sim.renewed += 1

    async def undo(self, identifier: str) -> None:
        if self.sim.undo_works and identifier == self.sim.identifier:
            self.sim.undone_at = self.sim.now()

    async def hits(self, identifier: str) -> int:
        if identifier != self.sim.identifier:
            return 0
        return self.sim.looks + sum(not run.ok for run in self.sim.runs())

    async def direct(self) -> int:
        broken = self.sim.broken(self.sim.now())
        self.sim.looks += broken
        return 500 if broken else 200


class _Traffic(_Part):
    async def start(self, rate: float) -> None:
        self.sim.rate, self.sim.started_at = rate, self.sim.now()

    async def stop(self) -> None:
        self.sim.stopped_at = min(self.sim.now(), self.sim.stopped_at)

    def finished(self) -> Sequence[FinishedRun]:
        return self.sim.runs()

    def failure(self) -> str | None:
        return None


class _Hands(_Part):
    async def act(self, name: str, arguments: Mapping[str, str]) -> StepOutcome:
        assert (name, arguments) == ("provider-switch", {"to": "secondary"})
        if self.sim.heals:
            self.sim.switched_at = self.sim.now()
        if self.sim.stop_after_act:
            self.sim.stopped_at = self.sim.now()
        return StepOutcome(ok=self.sim.action_ok, said="secondary")

    async def probe(self) -> StepOutcome:
        await self.sim.answer("probe")
        return StepOutcome(ok=self.sim.probe_ok, said="the golden answer")


STEPS = Steps(
    "AnswersBudgetBurn",
    check=(),
    act=(Step("Act", "provider-switch", lambda world: world.hands.act("provider-switch", {"to": "secondary"})),),
    verify=(Step("Verify", "probe", lambda world: world.hands.probe()),),
)


def fault_line(sim: Simulation) -> _Line:
    """Return the simulated fault line, for the conformance suite that the real one passes too."""
    return _Line(sim)


def prove(sim: Simulation, steps: Steps = STEPS, plan: Plan | None = None) -> Outcome:
    """Run the demo experiment against the simulation."""
    outcome: Outcome = run_virtually(
        run_experiment(plan or make_plan(), sim.world(), steps, fingerprint, lambda _: None)
    )
    return outcome
