"""/v1/documents: what answers are made of."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Query
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of the routes
from starlette.responses import PlainTextResponse, Response

from bongsu.core.errors import UsageError
from research_assistant import ingest, tenant_documents
from research_assistant.api import schema
from research_assistant.api.forms import (
    Cursor,
    Limit,
    PathId,
    as_json,
    cut,
    iso,
    not_found,
    place_of,
    uuid_of,
    wrong,
)
from research_assistant.api.openapi import ANYBODY, described
from research_assistant.api.problems import Refused
from research_assistant.tenant_runs import Place

if TYPE_CHECKING:
    from research_assistant.api.service import Service
    from research_assistant.keys import Caller

MAX_BYTES = 1_000_000
TYPES = ("text/markdown", "text/plain")
MAX_NAME_CHARS = 200
Name = Annotated[
    str,
    Query(
        min_length=1,
        max_length=MAX_NAME_CHARS,
        pattern=r"^[^\u0000-\u0020\u007f-\u00a0/\\][^\u0000-\u001f\u007f-\u009f/\\]*$",
        description="What the document is known by, such as `leases.md`: the same name again replaces it.",
    ),
]
TEXT: dict[str, Any] = {"type": "string", "pattern": r"\S", "example": "# Leases\n\nEvery claim hands out a number.\n"}


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of documents."""
    _add_upload(app, service)
    _add_list(app, service)
    _add_show(app, service)
    _add_delete(app, service)


def _add_upload(app: FastAPI, service: Service) -> None:
    body = {"required": True, "content": {kind: {"schema": TEXT} for kind in TYPES}}

    @app.post(
        "/v1/documents",
        tags=["documents"],
        **described(
            HTTPStatus.CREATED,
            schema.ListedDocument,
            "Stored, and used by the next answer.",
            problems=(415,),
            extra={"requestBody": body},
        ),
    )
    async def upload(request: Request, name: Name) -> Response:
        """Store a text as a document of the caller's tenant; only its own questions see it."""
        caller = await service.enter(request, "documents")
        text = _text(request, await request.body())
        # In a thread: a megabyte is a second of embedding, and everybody else shares this event loop.
        version = await asyncio.to_thread(ingest.version, text, name, caller.tenant, caller.name)
        if not version.embeddings:
            raise wrong("body", "The document holds no text.")
        try:
            stored = await tenant_documents.upload(service.pool, version, service.quota)
        except tenant_documents.QuotaError as error:
            detail = f"{error.what.capitalize()}: {error.next}."
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail) from None
        service.roller.wake()
        headers = {"Location": f"/v1/documents/{stored.id}"}
        return as_json(_listed_json(stored), HTTPStatus.CREATED, headers)


def _add_list(app: FastAPI, service: Service) -> None:
    @app.get(
        "/v1/documents",
        tags=["documents"],
        **described(HTTPStatus.OK, schema.Documents, "A page of what the tenant's answers are made of, newest first."),
    )
    async def listing(request: Request, limit: Limit = 20, cursor: Cursor = None) -> Response:
        """List the shared documents and the tenant's own, newest first."""
        caller = await service.enter(request, "read")
        found = await tenant_documents.page(service.pool, caller.tenant, limit + 1, place_of(cursor))
        shown, following = cut(found, limit, lambda listed: Place(listed.updated_at, listed.id))
        return as_json({"items": [_listed_json(listed) for listed in shown], "next": following})


def _add_show(app: FastAPI, service: Service) -> None:
    content = {"text/plain": {"schema": {"type": "string"}}, "application/json": {"schema": {"$ref": _DOCUMENT}}}

    @app.get(
        "/v1/documents/{document_id}",
        tags=["documents"],
        **described(
            HTTPStatus.OK,
            None,
            "The text, or for `Accept: application/json` the document.",
            problems=(404,),
            content=content,
            extra={"security": ANYBODY},
        ),
    )
    async def show(request: Request, document_id: PathId) -> Response:
        """Show a cited document: its text as it was ingested, or JSON for `Accept: application/json`.

        A citation must open in a browser, which sends no key: the random id of a shared document, known from an answer
        only, opens its text. A tenant's own document opens for its tenant alone, by key or by the page's cookie, and so
        does the JSON, which names where a document came from (docs/adr/0010, 0024).
        """
        as_text = "application/json" not in request.headers.get("accept", "")
        caller = await _reader(service, request, as_text=as_text)
        tenant = caller.tenant if caller else None
        document = await tenant_documents.get(service.pool, tenant, uuid_of(document_id, "document"))
        if document is None:
            raise not_found("document")
        if as_text:
            privacy = {} if document.tenant is None else {"Cache-Control": "private, no-store"}
            headers = {"X-Content-Type-Options": "nosniff", "Vary": "Accept, Authorization, Cookie"} | privacy
            return PlainTextResponse(document.body, headers=headers)
        return as_json(_document_json(document), headers={"Vary": "Accept, Authorization, Cookie"})


async def _reader(service: Service, request: Request, *, as_text: bool) -> Caller | None:
    """Return who reads a document; None for a browser without a key that we know, which sees shared texts only."""
    if not as_text:
        return await service.enter(request, "read")
    caller = await service.callers.known(request)
    return caller if caller and caller.may("read") else None


def _add_delete(app: FastAPI, service: Service) -> None:
    @app.delete(
        "/v1/documents/{document_id}",
        tags=["documents"],
        **described(HTTPStatus.NO_CONTENT, None, "Gone: from now on no answer uses it.", problems=(404,)),
    )
    async def delete(request: Request, document_id: PathId) -> Response:
        """Delete a document of the tenant's own; a shared one is the operator's."""
        caller = await service.enter(request, "documents")
        id_ = uuid_of(document_id, "document")
        if not await tenant_documents.delete(service.pool, caller.tenant, id_):
            if await tenant_documents.get(service.pool, caller.tenant, id_) is not None:
                raise Refused(HTTPStatus.FORBIDDEN, "A shared document is deleted by the operator, not by a tenant.")
            raise not_found("document")
        service.roller.wake()
        return Response(status_code=HTTPStatus.NO_CONTENT)


_DOCUMENT = "#/components/schemas/Document"


def _text(request: Request, body: bytes) -> str:
    """Return an uploaded text; raise Refused for another type, an empty body or bytes that are no text."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TYPES:
        detail = f"Send the text itself, with Content-Type {' or '.join(TYPES)}."
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, field="Content-Type")
    try:
        text = ingest.decode(body, "body")
    except UsageError as error:
        raise wrong("body", f"The body is {error.what}.") from None
    if not text.strip():
        raise wrong("body", "The document is empty.")
    return text


def _listed_json(listed: tenant_documents.Listed) -> dict[str, Any]:
    return {
        "id": str(listed.id),
        "title": listed.title,
        "source": tenant_documents.name_of(listed.source, listed.tenant),
        "shared": listed.tenant is None,
        "uploaded_by": listed.uploaded_by,
        "chunks": listed.chunks,
        "bytes": listed.bytes,
        "updated_at": iso(listed.updated_at),
    }


def _document_json(document: tenant_documents.Document) -> dict[str, Any]:
    return {
        "id": str(document.id),
        "title": document.title,
        "source": tenant_documents.name_of(document.source, document.tenant),
        "shared": document.tenant is None,
        "text": document.body,
        "updated_at": iso(document.updated_at),
    }
