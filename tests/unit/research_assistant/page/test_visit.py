"""The page over a stand-in for the API: what is asked of it, and what readers see of its refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from research_assistant.page import headers
from research_assistant.page.assets import ASSETS
from research_assistant.page.routes import add_page
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

KEY = "a-key-of-sufficient-length-1234"
HOST = "http://page.example"
OWN = {"Origin": HOST}
RUN = "7e2f6a5e-4c34-4b7e-9d0a-0b8f5e6a3c11"


@dataclass
class Api:
    """Answers what it was told to and remembers what it was asked."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = await request.body()
        call = f"{request.method} {request.url.path}"
        content = json.loads(body) if request.headers.get("content-type") == "application/json" else None
        self.asked.append((request.method, request.url.path, content, dict(request.headers)))
        self.bodies.append(body)
        response: Response = JSONResponse({"detail": "no"}, 401)
        if request.headers.get("authorization") == f"Bearer {KEY}":
            status, content = self.answers.get(call, (404, {}))
            response = JSONResponse(content, status, {"Retry-After": "7"} if status in {429, 503} else {})
        await response(scope, receive, send)


@pytest.fixture
def api() -> Api:
    return Api({"GET /v1/runs": (200, {"items": [], "next": None}), "POST /v1/sessions": (201, {"id": "s-1"})})


Browser = Callable[..., httpx.AsyncClient]


@pytest.fixture
def browser(api: Api) -> Browser:
    def opened(*, key: str | None = KEY, **more: str) -> httpx.AsyncClient:
        app = FastAPI()
        add_page(app, api, None)  # type: ignore[arg-type] - these pages read no ledger
        given = {"session_key": key} if key else {}
        return httpx.AsyncClient(transport=httpx.ASGITransport(as_app(app)), base_url=HOST, cookies=given, headers=more)

    return opened


def as_app(app: ASGIApp) -> Any:
    return app


def policy(response: httpx.Response) -> dict[str, str]:
    parts = response.headers["content-security-policy"].split("; ")
    return {name: value for name, _, value in (part.partition(" ") for part in parts)}


def loosened(found: dict[str, str]) -> list[str]:
    """Return the directives that let in more than our own files."""
    strict = {"'none'", "'self'", "'script'"}
    needed = {"default-src", "base-uri", "form-action", "frame-ancestors", "require-trusted-types-for", "trusted-types"}
    loose = [name for name, value in found.items() if value not in strict]
    return loose + sorted(needed - set(found)) + ([] if found.get("default-src") == "'none'" else ["default-src"])


@pytest.mark.parametrize("path", ["/", "/sign-in", f"/runs/{RUN}", *(asset.path for asset in ASSETS.values())])
async def test_every_answer_carries_the_policy(browser: Browser, path: str) -> None:
    async with browser() as http:
        response = await http.get(path)
    assert loosened(policy(response)) == []
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("script-src", "'self' 'unsafe-inline'"),
        ("style-src", "'self' https://cdn.example"),
        ("default-src", "'self'"),
        ("img-src", "*"),
        ("frame-ancestors", None),
        ("trusted-types", None),
    ],
)
def test_a_loosened_policy_is_noticed(name: str, value: str | None) -> None:
    changed = dict(headers.POLICY)
    if value is None:
        del changed[name]
    else:
        changed[name] = value
    assert name in loosened(changed)
    assert loosened(dict(headers.POLICY)) == []


async def test_nothing_of_a_page_is_inline(browser: Browser) -> None:
    async with browser() as http:
        for path in ("/", "/sign-in", "/nowhere"):
            html = (await http.get(path)).text
            assert not re.search(r"<style|\bstyle=|\son\w+=|<script(?! src=)", html)


async def test_static_files_are_kept_for_ever_under_the_hash_of_their_content(browser: Browser) -> None:
    async with browser(key=None) as http:
        asset = ASSETS["page.css"]
        response = await http.get(asset.path)
        assert response.content == asset.content
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["content-type"] == "text/css; charset=utf-8"
        assert (await http.get("/static/0000000000000000/page.css")).status_code == 404
        assert (await http.get(asset.path.replace("page.css", "..%2froutes.py"))).status_code == 404


async def test_pages_are_not_kept_by_anybody(browser: Browser) -> None:
    async with browser() as http:
        response = await http.get("/")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Accept-Language, Cookie"


async def test_without_a_key_there_is_only_the_way_in(browser: Browser, api: Api) -> None:
    async with browser(key=None) as http:
        response = await http.get(f"/runs/{RUN}")
    assert (response.status_code, response.headers["location"]) == (303, f"/sign-in?next=%2Fruns%2F{RUN}")
    assert api.asked == []


async def test_a_withdrawn_key_is_forgotten(browser: Browser) -> None:
    async with browser(key="another-key-of-sufficient-length") as http:
        response = await http.get("/")
    assert response.headers["location"] == "/sign-in?next=%2F&again=1"
    assert "max-age=0" in response.headers["set-cookie"].lower()


async def test_a_known_key_signs_in_and_appears_nowhere_else(browser: Browser) -> None:
    async with browser(key=None) as http:
        fields = {"key": f" {KEY} ", "next": f"/runs/{RUN}"}
        response = await http.post("/sign-in", data=fields, headers=OWN)
    assert (response.status_code, response.headers["location"]) == (303, f"/runs/{RUN}")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"session_key={KEY};")
    assert KEY not in response.text + response.headers["location"]


@pytest.mark.parametrize("key", ["another-key-of-sufficient-length", "", "kein Schlüssel"])
async def test_an_unknown_key_does_not(browser: Browser, key: str) -> None:
    async with browser(key=None) as http:
        response = await http.post("/sign-in", data={"key": key, "next": "//evil.example"}, headers=OWN)
    assert response.status_code == 401
    assert "set-cookie" not in response.headers
    assert not key or key not in response.text
    assert "evil" not in response.text


@pytest.mark.parametrize("path", ["/", "/sign-in", "/sign-out", f"/runs/{RUN}/cancel", f"/runs/{RUN}/feedback"])
@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://page.example:81"])
async def test_no_other_site_changes_anything(browser: Browser, api: Api, path: str, origin: str | None) -> None:
    async with browser() as http:
        response = await http.post(path, data={"key": KEY}, headers={"Origin": origin} if origin else {})
    assert response.status_code == 403
    assert "set-cookie" not in response.headers
    assert api.asked == []


async def test_a_question_is_asked_once_in_a_session_of_its_own(browser: Browser, api: Api) -> None:
    api.answers["POST /v1/runs"] = (202, {"id": RUN})
    async with browser() as http:
        response = await http.post("/", data={"question": "Why?", "once": "k-1"}, headers=OWN)
    assert (response.status_code, response.headers["location"]) == (303, f"/runs/{RUN}")
    method, path, content, given = api.asked[-1]
    assert (method, path, content) == ("POST", "/v1/runs", {"question": "Why?", "session_id": "s-1"})
    assert given["idempotency-key"] == "k-1"


async def test_a_follow_up_stays_in_its_session(browser: Browser, api: Api) -> None:
    api.answers["POST /v1/runs"] = (202, {"id": RUN})
    async with browser() as http:
        await http.post("/", data={"question": "And?", "session": "s-0"}, headers=OWN)
    assert [path for _, path, _, _ in api.asked] == ["/v1/runs"]
    assert api.asked[0][2]["session_id"] == "s-0"


async def test_a_key_that_may_only_ask_can_ask(browser: Browser, api: Api) -> None:
    api.answers["GET /v1/runs"] = (403, {})
    async with browser() as http:
        response = await http.get("/")
    assert response.status_code == 200
    assert 'name="question"' in response.text


async def test_a_form_that_is_sent_twice_asks_once(browser: Browser, api: Api) -> None:
    run = {"id": RUN, "question": "Why?", "state": "queued", "timings": {"submitted_at": "2026-11-28T09:30:00+00:00"}}
    api.answers["POST /v1/runs"] = (409, {})
    api.answers["GET /v1/runs"] = (200, {"items": [run]})
    async with browser() as http:
        again = await http.post("/", data={"question": " Why? ", "once": "k-1"}, headers=OWN)
        other = await http.post("/", data={"question": "Why not?", "once": "k-1"}, headers=OWN)
    assert (again.status_code, again.headers["location"]) == (303, f"/runs/{RUN}")
    assert other.status_code == 409


async def test_a_file_is_stored_under_its_own_name(browser: Browser, api: Api) -> None:
    api.answers |= {"POST /v1/documents": (201, {}), "GET /v1/documents": (200, {"items": [], "next": None})}
    async with browser() as http:
        sent = await http.post("/documents", files={"file": ("C:\\a b\\notes.md", b"# Notes")}, headers=OWN)
        assert (sent.status_code, sent.headers["location"]) == (303, "/documents?done=added")
        assert "stored" in (await http.get(sent.headers["location"])).text
        nothing = await http.post("/documents", data={"file": "no file"}, headers=OWN)
    assert (api.bodies[0], api.asked[0][3]["content-type"]) == (b"# Notes", "text/markdown")
    assert nothing.status_code == 303
    assert api.asked[-1][3]["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("status", [413, 415, 422, 429])
async def test_a_refused_file_is_said_to_be_refused(browser: Browser, api: Api, status: int) -> None:
    api.answers |= {"POST /v1/documents": (status, {}), "GET /v1/documents": (200, {"items": [], "next": None})}
    async with browser() as http:
        response = await http.post("/documents", files={"file": ("a.exe", b"MZ")}, headers=OWN)
    assert response.status_code == status
    assert 'role="alert"' in response.text


async def test_own_documents_can_be_deleted_and_shared_ones_cannot(browser: Browser, api: Api) -> None:
    common = {"title": "<i>T</i>", "source": "s", "chunks": 3}
    items = [{"id": "d-1", "shared": False, **common}, {"id": "d-2", "shared": True, **common}]
    api.answers |= {
        "GET /v1/documents": (200, {"items": items, "next": "c/1"}),
        "DELETE /v1/documents/d-1": (204, None),
    }
    async with browser() as http:
        html = (await http.get("/documents")).text
        gone = await http.post("/documents/d-1/delete", headers=OWN)
    assert "/documents/d-1/delete" in html
    assert "/documents/d-2/delete" not in html
    assert 'aria-label="Delete &lt;i&gt;T&lt;/i&gt;"' in html
    assert "?cursor=c%2F1" in html.replace("c/1", "c%2F1")
    assert gone.headers["location"] == "/documents?done=deleted"


@pytest.mark.parametrize(("status", "says"), [(422, "not understood"), (429, "in 7 s"), (503, "in 7 s")])
async def test_a_refused_question_stays_in_the_form(browser: Browser, api: Api, status: int, says: str) -> None:
    api.answers["POST /v1/runs"] = (status, {})
    async with browser() as http:
        response = await http.post("/", data={"question": "Why <b>?"}, headers=OWN)
    assert response.status_code == status
    assert "Why &lt;b&gt;?</textarea>" in response.text
    assert says in response.text
    assert 'role="alert"' in response.text


@pytest.mark.parametrize("path", [f"/runs/{RUN}", "/runs/seven", "/runs/%2e%2e", f"/runs/{RUN}/sources/1"])
async def test_what_is_not_there_is_said_in_the_readers_language(browser: Browser, path: str) -> None:
    async with browser(**{"Accept-Language": "ko"}) as http:
        response = await http.get(path)
    assert response.status_code == 404
    assert '<html lang="ko">' in response.text
    assert "여기에는 아무것도 없거나" in response.text


async def test_the_switch_of_the_language_is_remembered(browser: Browser) -> None:
    async with browser() as http:
        assert '<html lang="en">' in (await http.get("/")).text
        assert '<html lang="ko">' in (await http.get("/", params={"lang": "ko"})).text
        assert '<html lang="ko">' in (await http.get("/")).text
        assert '<html lang="ko">' in (await http.get("/", params={"lang": "xx"})).text


async def test_a_broken_form_is_said_to_be_broken(browser: Browser) -> None:
    async with browser() as http:
        given = {**OWN, "Content-Type": "multipart/form-data; boundary=x"}
        assert (await http.post("/", content=b"--y\r\nnonsense", headers=given)).status_code == 400


@pytest.mark.parametrize("score", ["", "0", "6", "5.0", "five", "\uff15"])
async def test_a_score_that_is_none_is_left_to_the_api_to_refuse(browser: Browser, api: Api, score: str) -> None:
    api.answers[f"POST /v1/runs/{RUN}/feedback"] = (422, {})
    async with browser() as http:
        response = await http.post(f"/runs/{RUN}/feedback", data={"score": score}, headers=OWN)
    assert response.status_code == 422
    assert api.asked[-1][2] == {"score": 0, "text": ""}
