"""The fault proxy in front of one upstream as the runner's `FaultLine` port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from bongsu.core.errors import UnreachableError

if TYPE_CHECKING:
    from bongsu.chaos.adapters.faultproxy import FaultProxyClient
    from bongsu.chaos.model import DirectRequest, Fault


class ProxyFaultLine:
    """Inject through the control socket; look through the front door, as the system does."""

    def __init__(
        self, control: FaultProxyClient, client: httpx.AsyncClient, url: str, request: DirectRequest, key: str
    ) -> None:
        self._control, self._client, self._url, self._request, self._key = control, client, url, request, key

    async def inject(self, fault: Fault, identifier: str) -> None:
        """Apply a fault with its lease under an identifier of our choice."""
        body: dict[str, Any] = {"kind": fault.kind, **fault.parameters, "match": {"path": fault.path}}
        await self._control.inject(body, fault.lease, fault_id=identifier)

    async def renew(self, identifier: str, lease: float) -> None:
        """Extend the lease."""
        await self._control.renew(identifier, lease)

    async def undo(self, identifier: str) -> None:
        """Remove the fault."""
        await self._control.undo(identifier)

    async def hits(self, identifier: str) -> int:
        """Return how many requests the fault has changed so far."""
        return await self._control.hits(identifier)

    async def direct(self) -> int:
        """Send one request of our own through the proxy and return its HTTP status."""
        try:
            answer = await self._client.request(
                self._request.method,
                self._url + self._request.path,
                content=self._request.body,
                headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
            )
        except httpx.HTTPError as error:
            raise UnreachableError(f"no answer through the fault proxy: {error!r}", where=self._url) from error
        return answer.status_code
