"""Errors of the API as application/problem+json (RFC 9457), all of them, whoever noticed."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

MEDIA_TYPE = "application/problem+json"


class Refused(HTTPException):
    """Refuse a request: `detail` says what is wrong and what to send instead, never what was sent."""

    def __init__(
        self, status: HTTPStatus, detail: str, *, field: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.field = field


def problem(status: int, detail: str, *, field: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Return the response of a problem; `field` names the wrong part of the request."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if field:
        body["field"] = field
    return Response(json.dumps(body, ensure_ascii=False), status, dict(headers or {}), MEDIA_TYPE)


async def on_http_exception(_request: Request, error: Exception) -> Response:
    """Answer a refusal of ours or of the router (404, 405)."""
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, str(error.detail), field=getattr(error, "field", ""), headers=error.headers)


async def on_invalid(_request: Request, error: Exception) -> Response:
    """Answer a parameter that is not as described (422)."""
    if not isinstance(error, RequestValidationError):
        raise error
    place = error.errors()[0].get("loc", ())
    field = str(place[-1]) if place else "request"
    message = str(error.errors()[0].get("msg", "not as described"))
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {message}.", field=field)


async def on_exception(_request: Request, _error: Exception) -> Response:
    """Answer what nobody expected; the error itself goes to the log, not to the caller."""
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed on this request. It has been logged and counted."
    )
