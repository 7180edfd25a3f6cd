"""Speak to the fault proxy's control socket: inject, renew, undo, status, each inside its own time limit."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bongsu.core.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_LINE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FaultProxyClient:
    """A client of one proxy; each call opens a connection of its own, so a call that fails spoils no other.

    Every call raises UnreachableError when the proxy does not answer within `timeout_seconds`, and UsageError when it
    refuses (an unknown kind, a lease that ended).
    """

    socket: Path
    timeout_seconds: float = 2.0

    async def inject(self, fault: Mapping[str, Any], lease_seconds: float, *, fault_id: str | None = None) -> str:
        """Activate a fault for `lease_seconds` and return its id, which the caller may choose to know it beforehand."""
        request: dict[str, Any] = {"op": "inject", "fault": dict(fault), "lease_seconds": lease_seconds}
        answer = await self._call(request if fault_id is None else {**request, "id": fault_id})
        return str(answer["id"])

    async def renew(self, fault_id: str, lease_seconds: float) -> None:
        """Extend a fault's lease to `lease_seconds` from now."""
        await self._call({"op": "renew", "id": fault_id, "lease_seconds": lease_seconds})

    async def undo(self, fault_id: str) -> bool:
        """End a fault and tell whether it was active; undoing one twice, or one never injected, is no error."""
        return bool((await self._call({"op": "undo", "id": fault_id}))["was_active"])

    async def status(self) -> dict[str, Any]:
        """Return what the proxy says of itself: requests, faults with their state and hits."""
        return await self._call({"op": "status"})

    async def hits(self, fault_id: str) -> int:
        """Return how many requests a fault has changed so far; 0 for one the proxy does not know."""
        faults = (await self.status())["faults"]
        return next((int(fault["hits"]) for fault in faults if fault["id"] == fault_id), 0)

    async def _call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                line = await self._exchange(json.dumps(request).encode() + b"\n")
        except (OSError, TimeoutError, ValueError) as error:
            reason = f"no answer within {self.timeout_seconds:g} s" if isinstance(error, TimeoutError) else str(error)
            raise self._unreachable(reason) from error
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise self._unreachable("it closed the connection without an answer") from error
        if not isinstance(answer, dict):
            raise self._unreachable("what listens there is no fault proxy")
        if not answer.get("ok"):
            raise UsageError(f"the fault proxy refused: {answer.get('error')}", where=str(self.socket))
        return answer

    async def _exchange(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(str(self.socket), limit=MAX_LINE)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.readline()
        finally:
            writer.close()

    def _unreachable(self, reason: str) -> UnreachableError:
        return UnreachableError(
            f"the fault proxy does not answer: {reason}",
            where=str(self.socket),
            next="see whether its process runs; its faults end by their leases",
        )
