"""What every `FaultLine` must do, whoever implements it: run on the simulation and on the real proxy."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bongsu.chaos.model import Fault
from bongsu.chaos.ports import FaultLine

FAULT = Fault("llm-primary", "http-error", {"status": 500, "body": "server_error"}, "/", 5.0)
HEALTHY = 200


async def check_fault_line(line: FaultLine) -> None:
    """Break, look, undo, and let a lease run out; every look is a request through the front door."""
    assert await line.direct() == HEALTHY
    assert await line.hits("first") == 0

    await line.inject(FAULT, "first")
    assert await line.direct() == FAULT.parameters["status"]
    assert await line.hits("first") == 1
    await line.renew("first", FAULT.lease)
    await line.undo("first")
    assert await line.direct() == HEALTHY
    await line.undo("first")
    await line.undo("never-injected")

    await line.inject(replace(FAULT, lease=0.5), "second")
    assert await line.direct() == FAULT.parameters["status"]
    await asyncio.sleep(1.0)  # the promise under test is about time itself: a lease nobody renews ends
    assert await line.direct() == HEALTHY
