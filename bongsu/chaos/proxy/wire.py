"""Read and forward HTTP/1.1 messages: heads parsed as far as framing needs, bodies passed on as they come.

Source: RFC 9112. What could be framed in two ways (both Content-Length and Transfer-Encoding, differing lengths, folded
headers) is refused rather than guessed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from bongsu.core.errors import BongsuError

MAX_HEAD = 64 * 1024
PIECE = 64 * 1024
MAX_CHUNK_DIGITS = 15

CHUNKED = -1
UNTIL_CLOSE = -2
"""Framings of a body besides its length in bytes."""

_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"upgrade"})
_FIRST_LINE_WORDS = 3


class WireError(BongsuError):
    """Say that a peer's bytes are not HTTP/1.1 as this proxy reads it, or that a message ended early."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a message: the words of its first line, and its headers in order with names as written."""

    first: tuple[bytes, bytes, bytes]
    headers: tuple[tuple[bytes, bytes], ...]

    def get(self, name: bytes) -> list[bytes]:
        """Return all values of a header, `name` in lower case."""
        return [value for key, value in self.headers if key.lower() == name]

    def tokens(self, name: bytes) -> set[bytes]:
        """Return the comma-separated tokens of a header, in lower case."""
        return {token.strip().lower() for value in self.get(name) for token in value.split(b",")}


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Return the next head, or None when the peer closed between messages; raise WireError for anything else."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip(b"\r\n"):
            raise WireError("the connection ended inside a message head") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise WireError(f"a message head is longer than {MAX_HEAD} bytes") from error
    return parse_head(raw)


def parse_head(raw: bytes) -> Head:
    """Return the head in `raw`, which ends with an empty line."""
    lines = raw.lstrip(b"\r\n")[:-4].split(b"\r\n")
    first = lines[0].split(b" ", 2)
    if len(first) == _FIRST_LINE_WORDS - 1:
        first.append(b"")  # a status line may lack its reason
    if len(first) != _FIRST_LINE_WORDS or not (first[0].startswith(b"HTTP/1.") or first[2].startswith(b"HTTP/1.")):
        raise WireError("the first line is not of HTTP/1")
    return Head((first[0], first[1], first[2]), tuple(_header(line) for line in lines[1:]))


def encode_head(head: Head, *, host: bytes | None = None, close: bool = False) -> bytes:
    """Return the bytes of a head to pass on: hop-by-hop headers dropped, Host replaced when given."""
    dropped = _HOP_BY_HOP | head.tokens(b"connection")
    lines = [b" ".join(head.first)]
    for name, value in head.headers:
        low = name.lower()
        if low == b"host" and host is not None:
            lines.append(name + b": " + host)
        elif low not in dropped:
            lines.append(name + b": " + value)
    if close:
        lines.append(b"connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n"


def keeps_alive(head: Head) -> bool:
    """Tell whether the sender of a head keeps its connection open; HTTP/1.0 is taken not to."""
    version = head.first[0] if head.first[0].startswith(b"HTTP/") else head.first[2]
    return version != b"HTTP/1.0" and b"close" not in head.tokens(b"connection")


def request_framing(head: Head) -> int:
    """Return the length of a request's body in bytes, or CHUNKED."""
    framing = _declared(head)
    return 0 if framing is None else framing


def response_framing(head: Head, method: bytes) -> int:
    """Return the length of a response's body in bytes, CHUNKED or UNTIL_CLOSE."""
    status = status_of(head)
    if method == b"HEAD" or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        return 0
    framing = _declared(head)
    return UNTIL_CLOSE if framing is None else framing


def status_of(head: Head) -> int:
    """Return the status of a response's head."""
    if not (head.first[1].isdigit() and len(head.first[1]) == 3):  # noqa: PLR2004 - RFC 9112, 4
        raise WireError("the status line holds no status")
    return int(head.first[1])


async def pass_body(framing: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> None:
    """Pass a body on as it comes, its chunk headers and trailers included; without a writer it is thrown away."""
    if framing == CHUNKED:
        await _pass_chunks(reader, writer)
    elif framing == UNTIL_CLOSE:
        while data := await reader.read(PIECE):
            await _write(writer, data)
    else:
        await _pass_bytes(framing, b"", reader, writer)


async def _pass_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> None:
    while True:
        line = await _line(reader)
        digits = line.split(b";", 1)[0].strip()
        try:
            size = int(digits, 16) if len(digits) <= MAX_CHUNK_DIGITS and digits.isalnum() else -1
        except ValueError:
            size = -1
        if size < 0:
            raise WireError("a chunk has no length")
        if size == 0:
            break
        await _pass_bytes(size + 2, line, reader, writer)
    tail = line
    while line != b"\r\n":  # the trailers, up to the empty line
        line = await _line(reader)
        tail += line
        if len(tail) > MAX_HEAD:
            raise WireError(f"trailers are longer than {MAX_HEAD} bytes")
    await _write(writer, tail)


async def _pass_bytes(
    left: int, before: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None
) -> None:
    """Pass `left` bytes on, with `before` in front of the first piece: one chunk becomes one segment."""
    while left:
        data = await reader.read(min(left, PIECE))
        if not data:
            raise WireError("the connection ended inside a message body")
        left -= len(data)
        await _write(writer, before + data)
        before = b""


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n")
    except asyncio.IncompleteReadError as error:
        raise WireError("the connection ended inside a chunked body") from error
    except asyncio.LimitOverrunError as error:
        raise WireError("a chunk header or trailer is too long") from error


async def _write(writer: asyncio.StreamWriter | None, data: bytes) -> None:
    if writer is not None:
        writer.write(data)
        await writer.drain()


def _declared(head: Head) -> int | None:
    """Return the framing that the headers declare, None when they declare none."""
    codings, lengths = head.get(b"transfer-encoding"), set(head.get(b"content-length"))
    if codings:
        if lengths or [coding.strip().lower() for coding in codings] != [b"chunked"]:
            raise WireError("a message is framed in an ambiguous or unknown way")
        return CHUNKED
    if not lengths:
        return None
    length = lengths.pop()
    if lengths or not (length.isdigit() and len(length) <= MAX_CHUNK_DIGITS):
        raise WireError("Content-Length is not one number")
    return int(length)


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not name or name != name.strip():
        raise WireError("a header line is malformed")
    return name, value.strip(b" \t")
