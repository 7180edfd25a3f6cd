from __future__ import annotations

import asyncio

import pytest

from bongsu.chaos.proxy import wire


def head(*lines: bytes) -> wire.Head:
    return wire.parse_head(b"\r\n".join(lines) + b"\r\n\r\n")


def stream(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=wire.MAX_HEAD)
    reader.feed_data(data)
    reader.feed_eof()
    return reader


class Sink:
    """Where a forwarded body ends up: what StreamWriter is asked for, without a socket."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.pieces.append(data)

    async def drain(self) -> None:
        pass


def test_names_and_order_of_headers_stay_as_written() -> None:
    raw = b"HTTP/1.1 200 OK\r\nX-B: 2\r\nx-a: 1\r\nX-B: 3\r\n\r\n"
    assert wire.encode_head(wire.parse_head(raw)) == raw


def test_hop_by_hop_headers_end_at_the_proxy() -> None:
    sent = head(
        b"GET / HTTP/1.1", b"Host: a", b"Connection: keep-alive, X-Mine", b"Keep-Alive: 5", b"X-Mine: 1", b"A: 2"
    )
    assert wire.encode_head(sent, host=b"b:1") == b"GET / HTTP/1.1\r\nHost: b:1\r\nA: 2\r\n\r\n"


def test_a_status_line_may_lack_its_reason() -> None:
    assert wire.status_of(head(b"HTTP/1.1 200")) == 200


@pytest.mark.parametrize(
    "lines",
    [
        (b"hello",),
        (b"GET / FTP/1.1",),
        (b"GET / HTTP/1.1", b"no colon"),
        (b"GET / HTTP/1.1", b"Name : spaced"),
        (b"GET / HTTP/1.1", b"A: 1", b" folded"),
    ],
)
def test_a_malformed_head_is_refused(lines: tuple[bytes, ...]) -> None:
    with pytest.raises(wire.WireError):
        head(*lines)


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Length: -5",),
        (b"Content-Length: 5, 5",),
        (b"Transfer-Encoding: gzip, chunked",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    ],
)
def test_an_ambiguous_framing_is_refused_rather_than_guessed(headers: tuple[bytes, ...]) -> None:
    with pytest.raises(wire.WireError):
        wire.request_framing(head(b"POST / HTTP/1.1", *headers))


def test_a_response_without_a_length_goes_on_until_the_close() -> None:
    assert wire.response_framing(head(b"HTTP/1.1 200 OK"), b"GET") == wire.UNTIL_CLOSE
    assert wire.response_framing(head(b"HTTP/1.1 200 OK", b"Content-Length: 9"), b"HEAD") == 0
    assert wire.response_framing(head(b"HTTP/1.1 204 No Content"), b"GET") == 0


def test_connections_end_when_a_side_says_so() -> None:
    assert wire.keeps_alive(head(b"GET / HTTP/1.1"))
    assert not wire.keeps_alive(head(b"GET / HTTP/1.1", b"Connection: Close"))
    assert not wire.keeps_alive(head(b"HTTP/1.0 200 OK"))


async def test_a_chunked_body_passes_byte_for_byte_and_stops_at_its_end() -> None:
    body = b"5;x=1\r\nhello\r\n0A\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
    reader, sink = stream(body + b"NEXT"), Sink()
    await wire.pass_body(wire.CHUNKED, reader, sink)  # type: ignore[arg-type]
    assert b"".join(sink.pieces) == body
    assert await reader.read() == b"NEXT"


async def test_each_chunk_is_passed_on_as_one_piece() -> None:
    sink = Sink()
    await wire.pass_body(wire.CHUNKED, stream(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"), sink)  # type: ignore[arg-type]
    assert sink.pieces == [b"1\r\na\r\n", b"1\r\nb\r\n", b"0\r\n\r\n"]


@pytest.mark.parametrize("body", [b"5\r\nhel", b"zz\r\n", b"-1\r\n", b"\r\n", b"f" * 99 + b"\r\n", b"5\r\nhello\r\n"])
async def test_a_body_that_ends_early_or_makes_no_sense_is_an_error(body: bytes) -> None:
    with pytest.raises(wire.WireError):
        await wire.pass_body(wire.CHUNKED, stream(body), None)


async def test_a_head_longer_than_allowed_is_refused() -> None:
    reader = asyncio.StreamReader(limit=wire.MAX_HEAD)
    reader.feed_data(b"GET / HTTP/1.1\r\nA: " + b"x" * (2 * wire.MAX_HEAD))
    with pytest.raises(wire.WireError, match="longer than"):
        await wire.read_head(reader)


async def test_a_closed_connection_is_no_head_and_half_a_head_is_an_error() -> None:
    assert await wire.read_head(stream(b"")) is None
    with pytest.raises(wire.WireError):
        await wire.read_head(stream(b"GET / HT"))
