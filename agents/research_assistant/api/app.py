"""The application: its routes, one file for each resource, and what happens to every request.

Bodies arrive bounded (body.py), requests are counted and bounded in time (observe.py), errors are problems
(problems.py).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import psycopg
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from bongsu.telemetry import metrics as m
from research_assistant import db
from research_assistant.api import documents, events, feedback, openapi, operations, runs, sessions, usage
from research_assistant.api.body import BoundedBody
from research_assistant.api.observe import Observed
from research_assistant.api.problems import on_exception, on_http_exception, on_invalid, problem
from research_assistant.errors import ConflictError
from research_assistant.page import papers
from research_assistant.page.routes import add_page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from research_assistant.api.service import Service


def build_app(service: Service) -> ASGIApp:
    """Return the application of a service, middleware and the page included; the page calls it from inside."""
    app = build_routes(service)
    longer = {("POST", "/v1/documents"): documents.MAX_BYTES, ("POST", papers.PATH): papers.MAX_BYTES}
    whole = Observed(BoundedBody(app, limits=longer))
    add_page(app, whole, service.pool)
    return whole


def build_routes(service: Service) -> FastAPI:
    """Return the routes and the answers to what goes wrong in them."""
    app = Api(title="research assistant", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(ConflictError, _on_conflict)
    app.add_exception_handler(psycopg.Error, _on_database_error)
    app.add_exception_handler(Exception, on_exception)
    for resource in (runs, events, feedback, sessions, documents, usage):
        resource.add_routes(app, service)
    operations.add_routes(app, service.pool)
    return app


class Api(FastAPI):
    """FastAPI with our OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """Return the document."""
        return openapi.document(self)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """Answer a refusal; the router knows the methods of one route only, and a resource has several routes."""
    response = await on_http_exception(request, error)
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        here = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
        methods = {method for route in here for method in getattr(route, "methods", None) or ()}
        response.headers["Allow"] = ", ".join(sorted(methods))
    return response


async def _on_conflict(_request: Request, _error: Exception) -> Response:
    detail = "The Idempotency-Key was used for another question: use a new key for a new question."
    return problem(HTTPStatus.CONFLICT, detail, field="Idempotency-Key")


async def _on_database_error(_request: Request, error: Exception) -> Response:
    if not db.is_connection_lost(error):
        raise error
    m.errors.labels("database").inc()
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer. The request was not carried out.")
