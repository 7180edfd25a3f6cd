"""Turn a runbook's typed steps into steps the runner can execute; no verb reaches a shell or the fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.chaos.plan import NOISE_SECONDS
from bongsu.chaos.ports import StepOutcome
from bongsu.chaos.run import POLL, Step, Steps
from bongsu.runbooks.model import ActionStep, ProbeStep, QueryStep

if TYPE_CHECKING:
    from bongsu.chaos.ports import World
    from bongsu.runbooks.model import Runbook
    from bongsu.runbooks.model import Step as RunbookStep


def make_steps(runbook: Runbook, factor: float) -> Steps:
    """Return the steps of a runbook, windows of its queries divided by the time factor."""

    def section(name: str) -> tuple[Step, ...]:
        return tuple(_step(step.compressed(factor)) for step in runbook.of(name))

    return Steps(runbook.alert, check=section("Check"), act=section("Act"), verify=section("Verify"))


def _step(step: RunbookStep) -> Step:
    match step:
        case ActionStep():
            words = " ".join(f"{name}={value}" for name, value in step.arguments.items())
            return Step(step.section, f"{step.action} {words}".strip(), lambda world: _act(step, world))
        case QueryStep():
            return Step(step.section, f"query {step.expr.text}", lambda world: _query(step, world))
        case ProbeStep():
            return Step(step.section, "probe", lambda world: world.hands.probe())


async def _act(step: ActionStep, world: World) -> StepOutcome:
    return await world.hands.act(step.action, step.arguments)


async def _query(step: QueryStep, world: World) -> StepOutcome:
    """Ask until the expectation holds or its time is over; a step that only reads succeeds with what it read."""
    deadline = world.clock.now() + step.within + NOISE_SECONDS
    while True:
        samples = await world.metrics.query(step.expr.text)
        said = ", ".join(f"{sample:g}" for sample in samples) or "no sample"
        complaint = step.expect.complaint(samples) if step.expect else None
        if complaint is None:
            return StepOutcome(ok=True, said=said)
        if world.clock.now() > deadline:
            return StepOutcome(ok=False, said=complaint)
        await world.clock.sleep(POLL)
