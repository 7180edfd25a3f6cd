"""Planted defects: ways to spoil a proof that the proof must notice, with the same traffic and the same rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.chaos.ports import Hands, StepOutcome, Traffic, World
    from bongsu.chaos.run import Steps

CHANNELS = ("pagerduty", "slack", "email", "webhook")


@dataclass(frozen=True, slots=True)
class Planted:
    """What is spoiled; the plain one spoils nothing."""

    name: str = ""
    pass_through: bool = False
    receiver_drop: tuple[str, ...] = ()
    drop_act: bool = False
    stop_traffic: bool = False

    def steps(self, steps: Steps) -> Steps:
        """Return the runbook's steps, without its act section when that is what is spoiled."""
        return replace(steps, act=()) if self.drop_act else steps

    def world(self, world: World) -> World:
        """Return the world, with traffic that stops at the first action when that is what is spoiled."""
        return replace(world, hands=_StoppingHands(world.hands, world.traffic)) if self.stop_traffic else world


class _StoppingHands:
    """Stop the traffic after each action: alerts will clear for want of data, and that must not count."""

    def __init__(self, hands: Hands, traffic: Traffic) -> None:
        self._hands, self._traffic = hands, traffic

    async def act(self, name: str, arguments: Mapping[str, str]) -> StepOutcome:
        """Run a manifest action, then stop the traffic."""
        outcome = await self._hands.act(name, arguments)
        await self._traffic.stop()
        return outcome

    async def probe(self) -> StepOutcome:
        """Ask the golden question and check the answer."""
        return await self._hands.probe()


PLANTS = {
    planted.name: planted
    for planted in (
        Planted("pass-through", pass_through=True),
        Planted("no-runbook-step", drop_act=True),
        Planted("stop-traffic", stop_traffic=True),
        Planted("drop-notifications", receiver_drop=CHANNELS),
    )
}
