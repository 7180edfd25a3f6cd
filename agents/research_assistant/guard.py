"""Outgoing requests go to public addresses only, or where a setting sends them.

No answer of a model or a search and no redirect can then reach into our own network. The name is resolved here, every
address is judged, and the connection is made to an address that was judged: a name that points elsewhere a moment later
(DNS rebinding) changes nothing. What may be private is named by the operator: a base URL whose host is an address or
`localhost`, and the `host` or `host:port` of RESEARCH_ASSISTANT_PRIVATE_UPSTREAMS.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import httpx
import httpx2

from bongsu.core.errors import BongsuError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from research_assistant.settings import Settings

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
PORTS = {"http": 80, "https": 443}
MAX_ADDRESSES = 4
TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))
"""NAT64 and 6to4: addresses that carry an IPv4 address, private ones too."""


class BlockedAddressError(BongsuError):
    """Refuse a request to an address that no setting allows."""


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host by the system's resolver; raise OSError when it has none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True)
class Guard:
    """Judge where a request goes; `allowed` holds `host` and `host:port` that may be private."""

    allowed: frozenset[str] = frozenset()
    resolver: Callable[[str, int], Awaitable[list[str]]] = resolve

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses that a request to this host may be made to, in the resolver's order.

        Raises BlockedAddressError when any of them is not public: a name with one address outside and one inside is
        how a rebinding begins. Raises OSError for a name without addresses.
        """
        found = [host] if _is_address(host) else (await self.resolver(host, port))[:MAX_ADDRESSES]
        if not found:
            raise OSError(f"{host} has no address")
        if not self._may_be_private(host, port) and (inside := [each for each in found if not is_public(each)]):
            raise BlockedAddressError(
                f"{host} has the address {inside[0]}, which is not public",
                where="outgoing request",
                next=f"if it is meant, add {host}:{port} to RESEARCH_ASSISTANT_PRIVATE_UPSTREAMS",
            )
        return found

    def _may_be_private(self, host: str, port: int) -> bool:
        return not self.allowed.isdisjoint({host.lower(), f"{host.lower()}:{port}"})


def is_public(text: str) -> bool:
    """Tell whether an address is one of the public internet, looking into IPv6 addresses that carry an IPv4 one."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif any(address in network for network in TRANSLATED):
            return False
    return address.is_global and not address.is_multicast


def guard_of(settings: Settings) -> Guard:
    """Return the guard of the configured upstreams."""
    urls = (settings.openai_base_url, settings.openai_secondary_base_url, settings.search_url)
    return Guard(explicit(urls) | frozenset(settings.private_upstreams))


def explicit(urls: Iterable[str]) -> frozenset[str]:
    """Return the `host:port` of those base URLs that name an address or localhost themselves: they are meant."""
    found = set()
    for url in urls:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host and (host == "localhost" or _is_address(host)):
            found.add(f"{host}:{parts.port or PORTS.get(parts.scheme, 0)}")
    return frozenset(found)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport behind a guard: it connects to the judged address, under the name that was asked for."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the first judged address that takes it; raise ConnectError for a blocked one."""
        send = super().handle_async_request
        return await _guarded(self._guard, request, send, httpx.ConnectError)  # type: ignore[no-any-return]


class GuardedTransport2(httpx2.AsyncHTTPTransport):
    """The same for httpx2, which the OpenAI client is built on."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request to the first judged address that takes it; raise ConnectError for a blocked one."""
        send = super().handle_async_request
        return await _guarded(self._guard, request, send, httpx2.ConnectError)  # type: ignore[no-any-return]


async def _guarded(guard: Guard, request: Any, send: Callable[[Any], Awaitable[Any]], failure: type[Any]) -> Any:
    """Send a request of httpx or httpx2; the certificate is checked against the name, not the address."""
    asked = request.url
    try:
        addresses = await guard.addresses(asked.host, asked.port or PORTS.get(asked.scheme, 0))
    except (BlockedAddressError, OSError) as error:
        raise failure(" ".join(str(error).split()), request=request) from error
    request.extensions = {**request.extensions, "sni_hostname": asked.host}
    for number, address in enumerate(addresses, start=1):
        request.url = asked.copy_with(host=address)
        try:
            return await send(request)
        except failure:
            if number == len(addresses):
                raise
        finally:
            request.url = asked
    raise AssertionError("unreachable: the last address answers or raises")
