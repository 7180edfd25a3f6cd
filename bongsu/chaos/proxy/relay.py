"""Relay requests between clients and the upstream, and do to them what the faults say."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bongsu.chaos.proxy import wire
from bongsu.chaos.proxy.faults import Fault, Faults, Request
from bongsu.chaos.proxy.kinds import Delay, Reset, Respond
from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

IDLE_SECONDS = 300.0
CONNECT_SECONDS = 10.0
MAX_BUFFERED_BODY = 64 * 1024

_GONE = (ConnectionError, TimeoutError, OSError)


class _PeerResetError(Exception):
    """Unwind to where the client's connection is reset."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where requests go: `host_header` as the upstream expects it, `tls` for https."""

    host: str
    port: int
    host_header: bytes
    tls: ssl.SSLContext | None = None


def parse_upstream(url: str) -> Upstream:
    """Return the upstream of a URL such as http://127.0.0.1:8091; raise UsageError for anything with a path."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise UsageError(f"{url!r} is no upstream", next="give http://HOST:PORT or https://HOST, without a path")
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    return Upstream(parts.hostname, port, parts.netloc.rpartition("@")[2].encode("idna"), tls)


class Relay:
    """One relay: counts requests, knows its open connections."""

    def __init__(self, upstream: Upstream, faults: Faults) -> None:
        self.requests = 0
        self.upstream_errors = 0
        self.connections: set[asyncio.Task[None]] = set()
        self._upstream = upstream
        self._faults = faults
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one client connection to its end."""
        task = asyncio.current_task()
        if task is not None:
            self.connections.add(task)
            task.add_done_callback(self.connections.discard)
        link = _Link(self._upstream)
        try:
            await self._serve(reader, writer, link)
        except (_PeerResetError, *_GONE):
            _reset(writer)
        except wire.WireError:
            pass  # closing, below, is how a message that ends early ends for the other side too
        finally:
            link.close()
            writer.close()

    async def drain(self, seconds: float) -> None:
        """Wait until no request is under way, at most `seconds`, then end all connections."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        open_now = list(self.connections)
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)

    async def _serve(self, reader: StreamReader, writer: StreamWriter, link: _Link) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    head = await wire.read_head(reader)
                framing = 0 if head is None else wire.request_framing(head)
            except TimeoutError:
                return
            except wire.WireError as error:
                writer.write(_answer(Respond(400, str(error).encode()), keep=False))
                return
            if head is None:
                return
            self._busy += 1
            self._idle.clear()
            try:
                keep = await self._exchange(head, framing, reader, writer, link)
            finally:
                self._busy -= 1
                if self._busy == 0:
                    self._idle.set()
            if not keep:
                return

    async def _exchange(
        self, head: wire.Head, framing: int, reader: StreamReader, writer: StreamWriter, link: _Link
    ) -> bool:
        """Answer one request, by a fault or by the upstream; return whether the client's connection goes on."""
        self.requests += 1
        path = head.first[1].split(b"?", 1)[0].decode("latin-1")
        request = Request(self.requests, head.first[0].decode("latin-1"), path)
        for fault in self._faults.hit(request):
            if fault.ended.is_set():  # it ended while an earlier one held the request back
                continue
            match fault.action:
                case Delay(seconds):
                    self._faults.record(fault, request, None)
                    await _hold(fault, seconds)
                    if reader.at_eof():
                        return False
                case Respond() as answer:
                    keep = await _discard(head, framing, reader) and wire.keeps_alive(head)
                    self._faults.record(fault, request, answer.status)
                    writer.write(_answer(answer, keep=keep))
                    await writer.drain()
                    return keep
                case Reset():
                    self._faults.record(fault, request, None)
                    raise _PeerResetError
        return await self._forward(head, framing, reader, writer, link)

    async def _forward(
        self, head: wire.Head, framing: int, reader: StreamReader, writer: StreamWriter, link: _Link
    ) -> bool:
        pump: asyncio.Task[None] | None = None
        try:
            up_reader, up_writer = await link.open()
            forwarded = wire.encode_head(head, host=self._upstream.host_header)
            if 0 <= framing <= MAX_BUFFERED_BODY and not head.get(b"expect"):
                up_writer.write(forwarded + (await reader.readexactly(framing) if framing else b""))
            else:
                up_writer.write(forwarded)
                pump = asyncio.create_task(_pump(framing, reader, up_writer))
            return await self._respond(head, up_reader, writer, link) and (pump is None or pump.done())
        except asyncio.IncompleteReadError as error:
            raise wire.WireError("the client left inside its request body") from error
        except (*_GONE, wire.WireError):
            self.upstream_errors += 1
            raise
        finally:
            if pump is not None:
                pump.cancel()
                await asyncio.gather(pump, return_exceptions=True)

    async def _respond(self, head: wire.Head, up_reader: StreamReader, writer: StreamWriter, link: _Link) -> bool:
        while True:
            response = await wire.read_head(up_reader)
            if response is None:
                raise wire.WireError("the upstream closed without an answer")
            if wire.status_of(response) >= HTTPStatus.OK:
                break
            writer.write(wire.encode_head(response))  # 100 Continue and its like
        framing = wire.response_framing(response, head.first[0])
        keep = wire.keeps_alive(head) and framing != wire.UNTIL_CLOSE
        writer.write(wire.encode_head(response, close=not keep))
        await wire.pass_body(framing, up_reader, writer)
        if framing == wire.UNTIL_CLOSE or not wire.keeps_alive(response):
            link.close()
        await writer.drain()
        return keep


class _Link:
    """The upstream connection of one client connection: opened when needed, again when the upstream closed it."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._streams: tuple[StreamReader, StreamWriter] | None = None

    async def open(self) -> tuple[StreamReader, StreamWriter]:
        if self._streams is not None:
            reader, writer = self._streams
            if not reader.at_eof() and not writer.is_closing():
                return self._streams
            self.close()
        upstream = self._upstream
        async with asyncio.timeout(CONNECT_SECONDS):
            self._streams = await asyncio.open_connection(
                upstream.host, upstream.port, ssl=upstream.tls, limit=wire.MAX_HEAD
            )
        return self._streams

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _pump(framing: int, reader: StreamReader, up_writer: StreamWriter) -> None:
    """Pass a long request body on; when the client leaves in the middle, the upstream must see it."""
    try:
        await wire.pass_body(framing, reader, up_writer)
    except (wire.WireError, *_GONE):
        up_writer.transport.abort()


async def _hold(fault: Fault, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await fault.ended.wait()


async def _discard(head: wire.Head, framing: int, reader: StreamReader) -> bool:
    """Read a request's body away; return False when it is left unread and the connection must close."""
    if head.get(b"expect"):  # it waits for leave to send the body, and the answer is that leave refused
        return False
    await wire.pass_body(framing, reader, None)
    return True


def _answer(answer: Respond, *, keep: bool) -> bytes:
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else "Error"
    lines = [
        f"HTTP/1.1 {answer.status} {phrase}",
        "content-type: application/json",
        f"content-length: {len(answer.body)}",
        *(f"{name}: {value}" for name, value in answer.headers),
        *([] if keep else ["connection: close"]),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer.body


def _reset(writer: StreamWriter) -> None:
    """Close with a true RST: a linger time of zero makes the kernel drop what is queued and say so."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None and not writer.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
