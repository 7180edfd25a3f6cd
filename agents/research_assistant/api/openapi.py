"""The OpenAPI document: each route says by `described` what it takes, gives and refuses."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from research_assistant.api.auth import SESSION_COOKIE
from research_assistant.api.problems import MEDIA_TYPE
from research_assistant.api.schema import MODELS, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI
    from pydantic import BaseModel

REF = "#/components/schemas/{model}"
DESCRIPTION = """\
Ask questions; answers cite their sources. Every error is `application/problem+json` (RFC 9457). A key opens the data of
its tenant only. 429 and 503 with `Retry-After`: come back later. Limits and admission: docs/api.md."""
ALWAYS = (401, 403, 408, 413, 422, 429, 500, 503, 504)
REASONS = {
    400: "The request is not HTTP as we understand it.",
    401: "No valid key.",
    403: "The key lacks the scope, or a change by cookie came from another origin.",
    404: "The tenant has no such thing.",
    408: "The body did not arrive in time.",
    409: "The Idempotency-Key was used for another order, or the state does not allow it.",
    413: "The body is too long, or the tenant's quota is used up.",
    415: "The body is of a type we do not take.",
    422: "A part of the request is not as described; `field` names it.",
    429: "The tenant's rate limit; Retry-After says when to come back.",
    500: "The server failed; it is logged and counted.",
    503: "Too much to do, or the database is away; with Retry-After when it was shed.",
    504: "No answer in time.",
}
ANYBODY: list[dict[str, list[str]]] = [{}, {"key": []}, {"cookie": []}]


def ref(model: type[BaseModel]) -> dict[str, str]:
    """Return the reference to a model's schema."""
    return {"$ref": REF.format(model=model.__name__)}


def described(
    status: HTTPStatus,
    gives: type[BaseModel] | None,
    what: str,
    *,
    takes: type[BaseModel] | None = None,
    problems: Sequence[int] = (),
    content: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the arguments of a route's decorator.

    It gives `gives` as JSON, or `content` (media type → schema), and takes `takes` as JSON. `problems` come on top of
    ALWAYS; `extra` goes into the operation as it is.
    """
    body = {"required": True, "content": {"application/json": {"schema": ref(takes)}}} if takes else None
    media = content if content is not None else ({"application/json": {"schema": ref(gives)}} if gives else {})
    given: dict[str, Any] = {"description": what}
    if media:
        given["content"] = media
    return {
        "status_code": status,
        "response_class": Response,
        "response_model": None,
        "responses": {int(status): given, **{code: _refusal(code) for code in sorted({*ALWAYS, *problems})}},
        "openapi_extra": ({"requestBody": body} if body else {}) | (extra or {}),
    }


def _refusal(code: int) -> dict[str, Any]:
    refusal: dict[str, Any] = {"description": REASONS[code], "content": {MEDIA_TYPE: {"schema": ref(Problem)}}}
    if code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        retry = {"description": "Seconds until it is worth another try.", "schema": {"type": "integer", "minimum": 1}}
        refusal["headers"] = {"Retry-After": retry}
    return refusal


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that may be absent: no header and no query says `null` but by four letters."""
    some = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(some) != 1:
        return schema
    return {**some[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document of an application, made once."""
    if not app.openapi_schema:
        made = get_openapi(title=app.title, version="1", description=DESCRIPTION, routes=app.routes)
        _, schemas = models_json_schema([(model, "validation") for model in MODELS], ref_template=REF)
        components = made.setdefault("components", {})
        components["schemas"] = components.get("schemas", {}) | schemas["$defs"]
        components["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
            "cookie": {
                "type": "apiKey",
                "in": "cookie",
                "name": SESSION_COOKIE,
                "description": "An API key, as the page sends it; changes also want an Origin of this host.",
            },
        }
        made["security"] = [{"key": []}, {"cookie": []}]
        for operations in made["paths"].values():
            for operation in operations.values():
                for parameter in operation.get("parameters", ()):
                    parameter["schema"] = _never_null(parameter["schema"])
        app.openapi_schema = made
    return app.openapi_schema
