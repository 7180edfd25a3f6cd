from __future__ import annotations

import pytest
from research_assistant.api.auth import REMEMBERED_SECONDS, Callers
from research_assistant.api.problems import Refused
from starlette.requests import Request


class Keys:
    """The keys a database would know, and how often it was asked."""

    def __init__(self, **known: str) -> None:
        self.known, self.asked, self.now = known, 0, 100.0

    async def verify(self, secret: str) -> str | None:
        self.asked += 1
        return self.known.get(secret)

    def clock(self) -> float:
        return self.now


def request(authorization: str | None) -> Request:
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    return Request({"type": "http", "headers": headers})


async def test_a_key_is_looked_up_once_a_second() -> None:
    keys = Keys(secret="ann")
    callers = Callers(keys.verify, keys.clock)
    assert [await callers.name(request("Bearer secret")) for _ in range(3)] == ["ann"] * 3
    assert keys.asked == 1
    keys.now += REMEMBERED_SECONDS
    assert await callers.name(request("bearer  secret ")) == "ann"
    assert keys.asked == 2


async def test_a_withdrawn_key_stops_working_within_a_second() -> None:
    keys = Keys(secret="ann")
    callers = Callers(keys.verify, keys.clock)
    await callers.name(request("Bearer secret"))
    keys.known.clear()
    keys.now += REMEMBERED_SECONDS
    with pytest.raises(Refused):
        await callers.name(request("Bearer secret"))


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer  ", "secret", "Basic secret", "Bearer wrong"])
async def test_a_request_without_a_valid_key_is_refused_and_not_remembered(authorization: str | None) -> None:
    keys = Keys(secret="ann")
    callers = Callers(keys.verify, keys.clock)
    for _ in range(2):
        with pytest.raises(Refused) as raised:
            await callers.name(request(authorization))
        assert raised.value.status_code == 401
        assert raised.value.headers is not None
        assert "WWW-Authenticate" in raised.value.headers
