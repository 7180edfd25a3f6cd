"""Read what a request carries: its body, its cursor, the ids in its path."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

from fastapi import Path, Query
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from research_assistant.api.problems import Refused
from research_assistant.tenant_runs import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Model = TypeVar("Model", bound=BaseModel)
Item = TypeVar("Item")

MAX_PAGE = 100
PathId = Annotated[str, Path(json_schema_extra={"format": "uuid"})]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="At most so many items.")]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{16}-[0-9a-f]{32}$", description="`next` of the page before.")]


def parse(model: type[Model], body: bytes) -> Model:
    """Return the model in a JSON body; raise Refused (422) naming the first wrong part of any other."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise wrong(
            *first_problem(error.errors(include_url=False, include_context=False, include_input=False))
        ) from None


def first_problem(errors: Sequence[Mapping[str, object]]) -> tuple[str, str]:
    """Return field and sentence of the first of pydantic's errors, without what was sent."""
    first = errors[0]
    if first.get("type") == "extra_forbidden":  # its name is the caller's own word, and may be long
        return "body", "The body has a key that is not described."
    place = first.get("loc")
    parts = [str(part) for part in place] if isinstance(place, tuple) else []
    field = parts[-1] if parts else "body"
    message = str(first.get("msg", "not as described")).removeprefix("Value error, ")
    return field, f"{field}: {message}."


def wrong(field: str, detail: str) -> Refused:
    """Return the refusal of a request with a wrong part."""
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, detail, field=field)


def not_found(what: str) -> Refused:
    """Return the refusal of a thing that is not there, or not for this tenant: the two must look the same."""
    return Refused(HTTPStatus.NOT_FOUND, f"There is no such {what}.")


def uuid_of(text: str, what: str) -> UUID:
    """Return an id; raise Refused (404) for what can be no id."""
    try:
        return UUID(text)
    except ValueError:
        raise not_found(what) from None


def cursor_of(place: Place) -> str:
    """Return where a page ended as a cursor: microseconds since 1970, and the id."""
    return f"{(place.at - EPOCH) // timedelta(microseconds=1):016d}-{place.id.hex}"


def place_of(cursor: str | None) -> Place | None:
    """Return the place a cursor of the described form names."""
    if cursor is None:
        return None
    microseconds, _, id_ = cursor.partition("-")
    return Place(EPOCH + timedelta(microseconds=int(microseconds)), UUID(id_))


def cut(items: Sequence[Item], limit: int, place: Callable[[Item], Place]) -> tuple[Sequence[Item], str | None]:
    """Return the first `limit` of up to `limit` + 1 items and the cursor of the next page, None at the end."""
    if len(items) <= limit:
        return items, None
    return items[:limit], cursor_of(place(items[limit - 1]))


def iso(instant: datetime | None) -> str | None:
    """Return a time as the API writes it."""
    return instant.isoformat(timespec="milliseconds") if instant else None


def as_json(content: object, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    """Return a response of JSON."""
    return Response(json.dumps(content, ensure_ascii=False), status, headers, "application/json")
