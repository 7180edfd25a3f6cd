from __future__ import annotations

import pytest
from research_assistant.api.auth import REMEMBERED_SECONDS, SESSION_COOKIE, Caller, Callers
from research_assistant.api.problems import Refused
from starlette.requests import Request


class Keys:
    """The keys a database would know, and how often it was asked."""

    def __init__(self, *scopes: str, **known: str) -> None:
        self.known = {
            secret: Caller(name, f"{name}-tenant", frozenset(scopes or ("read",))) for secret, name in known.items()
        }
        self.asked, self.now = 0, 100.0

    async def verify(self, secret: str) -> Caller | None:
        self.asked += 1
        return self.known.get(secret)

    def clock(self) -> float:
        return self.now


def request(authorization: str | None = None, method: str = "GET", **headers: str) -> Request:
    given = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    if authorization is not None:
        given.append((b"authorization", authorization.encode("latin-1")))
    return Request({"type": "http", "method": method, "headers": given})


async def name(callers: Callers, asked: Request) -> str:
    return (await callers.caller(asked, "read")).name


def by_cookie(method: str, authorization: str | None = None, **headers: str) -> Request:
    return request(authorization, method, cookie=f"a=b; {SESSION_COOKIE}=secret", host="page.example:8700", **headers)


async def test_a_key_is_looked_up_once_a_second() -> None:
    keys = Keys(secret="ann")
    callers = Callers(keys.verify, keys.clock)
    assert [await name(callers, request("Bearer secret")) for _ in range(3)] == ["ann"] * 3
    assert keys.asked == 1
    keys.now += REMEMBERED_SECONDS
    assert await name(callers, request("bearer  secret ")) == "ann"
    assert keys.asked == 2


async def test_a_withdrawn_key_stops_working_within_a_second() -> None:
    keys = Keys(secret="ann")
    callers = Callers(keys.verify, keys.clock)
    await name(callers, request("Bearer secret"))
    keys.known.clear()
    keys.now += REMEMBERED_SECONDS
    with pytest.raises(Refused):
        await name(callers, request("Bearer secret"))


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer  ", "secret", "Basic secret", "Bearer wrong"])
async def test_a_request_without_a_valid_key_is_refused_and_not_remembered(authorization: str | None) -> None:
    keys = Keys(secret="ann")
    callers = Callers(keys.verify, keys.clock)
    for _ in range(2):
        with pytest.raises(Refused) as raised:
            await name(callers, request(authorization))
        assert raised.value.status_code == 401
        assert raised.value.headers is not None
        assert "WWW-Authenticate" in raised.value.headers


async def test_a_caller_has_the_tenant_of_its_key_and_only_the_scopes_of_its_key() -> None:
    keys = Keys("read", "ask", secret="ann")
    callers = Callers(keys.verify, keys.clock)
    assert (await callers.caller(request("Bearer secret"), "ask")).tenant == "ann-tenant"
    with pytest.raises(Refused) as raised:
        await callers.caller(request("Bearer secret"), "documents")
    assert raised.value.status_code == 403
    assert "documents" in raised.value.detail


async def test_admin_holds_every_scope() -> None:
    keys = Keys("admin", secret="root")
    assert (await Callers(keys.verify).caller(request("Bearer secret"), "feedback")).name == "root"


async def test_a_cookie_reads_and_a_wrong_header_is_not_made_good_by_it() -> None:
    keys = Keys(secret="ann")
    callers = Callers(keys.verify, keys.clock)
    assert await name(callers, by_cookie("GET")) == "ann"
    with pytest.raises(Refused) as raised:
        await name(callers, by_cookie("GET", authorization="Bearer wrong"))
    assert raised.value.status_code == 401


ELSEWHERE = [
    None,
    "null",
    "http://evil.example",
    "http://page.example",
    "http://page.example:8700.evil.example",
    "//page.example:8700",
    "http://[",
]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("origin", ELSEWHERE)
async def test_a_change_by_cookie_from_another_origin_is_refused(method: str, origin: str | None) -> None:
    keys = Keys(secret="ann")
    headers = {} if origin is None else {"origin": origin}
    with pytest.raises(Refused) as raised:
        await name(Callers(keys.verify), by_cookie(method, **headers))
    assert raised.value.status_code == 403


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_change_by_cookie_from_our_own_page_is_taken(method: str) -> None:
    keys = Keys(secret="ann")
    assert await name(Callers(keys.verify), by_cookie(method, origin="http://Page.example:8700")) == "ann"


async def test_a_change_by_key_needs_no_origin() -> None:
    keys = Keys(secret="ann")
    assert await name(Callers(keys.verify), request("Bearer secret", "POST", origin="http://evil.example")) == "ann"
