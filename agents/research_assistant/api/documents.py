"""/v1/documents: what answers are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import PlainTextResponse, Response

from research_assistant import documents
from research_assistant.api.forms import iso, not_found, uuid_of
from research_assistant.api.runs import as_json

if TYPE_CHECKING:
    from fastapi import FastAPI

    from research_assistant.api.service import Service


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of documents."""

    @app.get("/v1/documents/{document_id}")
    async def show(request: Request, document_id: str) -> Response:
        """Show a cited document: its text as it was ingested, or JSON for `Accept: application/json`.

        A citation must open in a browser, which sends no key: its random id, known from an answer only, opens the text.
        The JSON names where the document came from and wants a key (docs/adr/0010).
        """
        as_text = "application/json" not in request.headers.get("accept", "")
        if not as_text:
            await service.callers.caller(request, "read")
        document = await documents.get(service.pool, uuid_of(document_id, "document"))
        if document is None:
            raise not_found("document")
        if as_text:
            return PlainTextResponse(document.body, headers={"X-Content-Type-Options": "nosniff", "Vary": "Accept"})
        content = {
            "id": str(document.id),
            "title": document.title,
            "source": document.source,
            "text": document.body,
            "updated_at": iso(document.updated_at),
        }
        return as_json(content, headers={"Vary": "Accept"})
