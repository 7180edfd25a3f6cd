from __future__ import annotations

import httpx
import httpx2
import pytest
from research_assistant.guard import (
    BlockedAddressError,
    Guard,
    GuardedTransport,
    GuardedTransport2,
    explicit,
    guard_of,
    is_public,
)
from research_assistant.settings import Settings

INSIDE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "not an address",
]


class Names:
    """A resolver that gives the next answer each time it is asked: what a rebinding name server does."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0)


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_what_is_outside_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("answer", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"]])
async def test_a_name_with_an_address_inside_is_refused(answer: list[str]) -> None:
    with pytest.raises(BlockedAddressError, match="not public"):
        await Guard(resolver=Names(answer)).addresses("search.example", 443)


@pytest.mark.parametrize("allowed", ["search.example", "search.example:443"])
async def test_what_the_operator_names_may_be_private(allowed: str) -> None:
    guard = Guard(frozenset({allowed}), Names(["10.0.0.1"], ["10.0.0.1"]))
    assert await guard.addresses("Search.example", 443) == ["10.0.0.1"]
    if ":" in allowed:
        with pytest.raises(BlockedAddressError):
            await guard.addresses("search.example", 8701)


def test_a_base_url_that_names_an_address_is_meant_and_one_with_a_name_is_not() -> None:
    urls = ["http://127.0.0.1:8091/v1", "http://localhost:9000", "https://api.openai.com/v1", "http://[::1]", ""]
    assert explicit(urls) == {"127.0.0.1:8091", "localhost:9000", "::1:80"}


def test_the_guard_of_the_settings_knows_upstreams_and_what_is_named() -> None:
    given = {
        "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
        "RESEARCH_ASSISTANT_PRIVATE_UPSTREAMS": "vllm.svc, Search:8080",
    }
    assert guard_of(Settings.from_env(given, needs=())).allowed == {"127.0.0.1:1", "vllm.svc", "search:8080"}


async def test_both_clients_refuse_before_they_connect() -> None:
    for client, transport, failure in (
        (httpx.AsyncClient, GuardedTransport, httpx.ConnectError),
        (httpx2.AsyncClient, GuardedTransport2, httpx2.ConnectError),
    ):
        names = Names(["169.254.169.254"])
        async with client(transport=transport(Guard(resolver=names))) as http:  # type: ignore[arg-type]
            with pytest.raises(failure, match="not public"):
                await http.get("http://metadata.example/latest")
        assert names.asked == 1
