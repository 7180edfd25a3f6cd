"""What the routes share: opened with the process, closed with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from bongsu.telemetry import context
from bongsu.telemetry import metrics as m
from research_assistant import keys
from research_assistant.admission import Admission, load
from research_assistant.api.auth import SAFE_METHODS, Callers
from research_assistant.api.problems import Refused
from research_assistant.api.rolling import Roller
from research_assistant.api.streams import Streams
from research_assistant.rate import RateLimit
from research_assistant.tenant_documents import Quota

if TYPE_CHECKING:
    from starlette.requests import Request

    from research_assistant import db
    from research_assistant.keys import Caller
    from research_assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """The open pool, the settings, and what is kept between requests."""

    pool: db.Pool
    settings: Settings
    callers: Callers
    streams: Streams
    rate: RateLimit
    roller: Roller
    admission: Admission

    @property
    def quota(self) -> Quota:
        """Return how much each tenant may keep."""
        return Quota(self.settings.tenant_documents, self.settings.tenant_document_bytes)

    async def enter(self, request: Request, scope: str) -> Caller:
        """Return who calls, and count a request that changes something against the tenant's rate.

        Raises Refused: 401 without a valid key, 403 without the scope, 429 above the rate.
        """
        caller = await self.callers.caller(request, scope)
        context.add(tenant=caller.tenant)
        if request.method not in SAFE_METHODS:
            wait = await self.rate.take(caller.tenant)
            if wait > 0:
                m.shed.labels("rate", "none").inc()
                detail = "The tenant's rate limit is reached: wait as long as Retry-After says."
                headers = {"Retry-After": str(math.ceil(wait))}
                raise Refused(HTTPStatus.TOO_MANY_REQUESTS, detail, headers=headers)
        return caller

    async def admit(self, caller: Caller, priority: str) -> None:
        """Raise Refused (503 with Retry-After) for a run that would wait too long; see admission.py."""
        refusal = await self.admission.ask(caller.tenant, priority)
        if refusal is not None:
            m.shed.labels(refusal.reason, priority).inc()
            detail = f"Too much work is waiting for another {priority} run: come back as Retry-After says."
            headers = {"Retry-After": str(refusal.retry_after)}
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)


def open_service(settings: Settings, pool: db.Pool) -> Service:
    """Return the service over an open pool; nothing of it has connected yet."""
    return Service(
        pool,
        settings,
        Callers(partial(keys.verify, pool)),
        Streams(pool),
        RateLimit(pool, settings.requests_per_minute),
        Roller(settings, pool),
        Admission(pool, load(settings.admission_file), settings.tenant_concurrency),
    )
