from __future__ import annotations

import pytest
from research_assistant.page import session
from starlette.requests import Request
from starlette.responses import Response

KEY = "a-key-of-sufficient-length-1234"


def request(method: str = "POST", scheme: str = "http", **headers: str) -> Request:
    raw = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    server = ("page.example", 80)
    return Request({"type": "http", "method": method, "scheme": scheme, "path": "/", "headers": raw, "server": server})


@pytest.mark.parametrize(("scheme", "forwarded", "secure"), [("http", "", 0), ("https", "", 1), ("http", "https", 1)])
def test_no_script_and_no_other_site_gets_the_cookie(scheme: str, forwarded: str, secure: int) -> None:
    response = Response()
    session.remember(response, request(scheme=scheme, x_forwarded_proto=forwarded), KEY)
    cookie = response.headers["set-cookie"].lower()
    assert cookie.startswith(f"session_key={KEY};")
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert ("secure" in cookie.split("; ")) == bool(secure)


def test_signing_out_takes_the_cookie_away() -> None:
    response = Response()
    session.forget(response, request())
    assert "max-age=0" in response.headers["set-cookie"].lower()


@pytest.mark.parametrize("key", ["a b", "a;b", 'a"b', "a\nb", "키", "a,b", "x" * 1_000, "", "  "])
def test_what_cannot_be_a_key_is_none(key: str) -> None:
    assert session.usable(key) == ""


def test_blanks_around_a_pasted_key_fall_away() -> None:
    assert session.usable(f" {KEY}\n") == KEY


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/a\nb",
        "javascript:alert(1)",
        "",
        "a",
        "http://[",
        "/한",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(path: str) -> None:
    assert session.local_path(path) == "/"


def test_a_reader_comes_back_to_where_he_was() -> None:
    assert session.local_path("/runs/7?still=1") == "/runs/7?still=1"
