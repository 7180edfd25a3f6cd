"""Who reads the page: an API key in a cookie that no script can read and no other site can send."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from research_assistant.api.auth import SESSION_COOKIE

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

HOURS = 12
MAX_KEY_CHARS = 512


def key_of(request: Request) -> str:
    """Return the key of the cookie, "" without one."""
    return usable(request.cookies.get(SESSION_COOKIE, ""))


def usable(key: str) -> str:
    """Return a key without the blanks that were copied with it, "" for what cannot travel in a header."""
    key = key.strip()
    fits = key.isascii() and key.isprintable() and len(key) <= MAX_KEY_CHARS and not set(key) & set(' ",;\\')
    return key if fits else ""


def remember(response: Response, request: Request, key: str) -> None:
    """Put the key into the cookie."""
    response.set_cookie(
        SESSION_COOKIE, key, max_age=HOURS * 3600, path="/", secure=is_https(request), httponly=True, samesite="strict"
    )


def forget(response: Response, request: Request) -> None:
    """Take the cookie away."""
    response.delete_cookie(SESSION_COOKIE, path="/", secure=is_https(request), httponly=True, samesite="strict")


def is_https(request: Request) -> bool:
    """Tell whether the browser speaks https, to us or to the proxy in front; a lie only makes the cookie stricter."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").lower() == "https"


def local_path(text: str) -> str:
    """Return `text` when it is a path on this server, "/" otherwise: nobody sends our readers elsewhere."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    plain = text.isascii() and text.isprintable() and "\\" not in text
    own = text.startswith("/") and not text.startswith("//") and not parts.scheme and not parts.netloc
    return text if plain and own else "/"
