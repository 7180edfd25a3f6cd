"""/v1/usage: what the caller's tenant used."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import FastAPI, Query
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import Response  # noqa: TC002 - FastAPI reads the annotations of the routes

from research_assistant import tenant_usage
from research_assistant.api import schema
from research_assistant.api.forms import as_json
from research_assistant.api.openapi import described

if TYPE_CHECKING:
    from research_assistant.api.service import Service

MAX_DAYS = 366
Days = Annotated[int, Query(ge=1, le=MAX_DAYS, description="So many days, today included.")]


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the route of usage."""

    @app.get(
        "/v1/usage",
        tags=["usage"],
        **described(HTTPStatus.OK, schema.Usage, "Runs, tokens and USD of the tenant, day by day."),
    )
    async def show(request: Request, days: Days = 30) -> Response:
        """Show what the tenant used, by day of the budget's time zone."""
        caller = await service.enter(request, "read")
        zone = service.settings.budget_timezone
        used = await tenant_usage.by_day(service.pool, caller.tenant, days, zone)
        content = {
            "tenant": caller.tenant,
            "timezone": zone.key,
            "days": [
                {
                    "day": day.day.isoformat(),
                    "runs": day.runs,
                    "done": day.done,
                    "failed": day.failed,
                    "input_tokens": day.input_tokens,
                    "output_tokens": day.output_tokens,
                    "usd": day.usd,
                }
                for day in used
            ],
            "usd": sum(day.usd for day in used),
        }
        return as_json(content)
