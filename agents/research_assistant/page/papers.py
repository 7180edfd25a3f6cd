"""What the agents may read besides the web: list, upload, delete."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from starlette.datastructures import UploadFile

from research_assistant.api import documents
from research_assistant.page.inside import ApiRefusal
from research_assistant.page.visit import Visit, go

if TYPE_CHECKING:
    from starlette.responses import Response

PATH = "/documents"
MAX_BYTES = documents.MAX_BYTES + 8_192
"""Of the form: the file and what the form adds to it."""
SHOWN = 50
NOTICES = {"added": "documents.added", "deleted": "documents.deleted"}
TYPES = {".md": "text/markdown", ".markdown": "text/markdown", ".txt": "text/plain"}
_SHOWN_BESIDE_THE_FORM = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


async def show(visit: Visit) -> Response:
    """Show the documents, the newest first."""
    return await _page(visit, notice=NOTICES.get(visit.request.query_params.get("done", ""), ""))


async def upload(visit: Visit) -> Response:
    """Store the file that was chosen, under its own name."""
    async with visit.form() as fields:
        file = fields.get("file")
        name, content = (file.filename or "", await file.read()) if isinstance(file, UploadFile) else ("", b"")
    try:
        await visit.api.call(
            "POST",
            f"/v1/documents?{urlencode({'name': plain(name)})}",
            content,
            headers={"Content-Type": media_type(name)},
        )
    except ApiRefusal as refusal:
        if refusal.status not in _SHOWN_BESIDE_THE_FORM:
            raise
        return await _page(visit, refusal.status, message=visit.says(refusal))
    return go(PATH, done="added")


async def delete(visit: Visit) -> Response:
    """Delete a document of the reader's own."""
    await visit.api.call("DELETE", f"/v1/documents/{quote(visit.request.path_params['document_id'], safe='')}")
    return go(PATH, done="deleted")


def plain(name: str) -> str:
    """Return the name of a file without the folders that some browsers put before it."""
    return re.split(r"[/\\]", name)[-1].strip()


def media_type(name: str) -> str:
    """Return what a file is by its name; the API refuses what is none of ours."""
    return TYPES.get(f".{name.lower().rpartition('.')[2]}", "application/octet-stream")


async def _page(visit: Visit, status: int = HTTPStatus.OK, *, message: str = "", notice: str = "") -> Response:
    cursor = visit.request.query_params.get("cursor", "")
    query = {"limit": SHOWN} | ({"cursor": cursor} if cursor else {})
    listed = await visit.api.get(f"/v1/documents?{urlencode(query)}")
    return visit.page(
        "documents.html",
        status,
        documents=listed["items"],
        following=listed["next"] or "",
        message=message,
        notice=notice,
        max_size=f"{documents.MAX_BYTES // 1_000_000} MB",
    )
