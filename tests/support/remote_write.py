"""Write native histograms into a Prometheus by its remote write protocol 0.1: no text format has words for them.

The messages are those of prometheus/prompb/remote.proto and types.proto (WriteRequest, TimeSeries, Label, Histogram,
BucketSpan), encoded by hand: four kinds of protobuf fields are all it takes. The body is a snappy block of literals,
which every reader of snappy accepts (google/snappy format_description.txt). Prometheus needs
`--enable-feature=native-histograms --web.enable-remote-write-receiver`.
"""

from __future__ import annotations

import struct
import urllib.request
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARINT, _FIXED64, _BYTES = 0, 1, 2
_LITERAL_BYTES = 60
_ZERO_THRESHOLD = 2.938735877055719e-39
"""Prometheus' default: 2 to the power of -128."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """A native histogram of schema 0: bucket `i` has `counts[i]` values in (2**(i - 1), 2**i]; `total` is their sum."""

    counts: Mapping[int, int]
    total: float

    def encoded(self, at: float) -> bytes:
        """Return the message for a moment in seconds since 1970."""
        first, last = min(self.counts), max(self.counts)
        counts = [self.counts.get(i, 0) for i in range(first, last + 1)]
        deltas = [counts[0], *(after - before for before, after in pairwise(counts))]
        span = _number(1, _zigzag(first)) + _number(2, len(counts))
        return b"".join(
            (
                _number(1, sum(counts)),
                _double(3, self.total),
                _number(4, _zigzag(0)),
                _double(5, _ZERO_THRESHOLD),
                _number(6, 0),
                _bytes(11, span),
                _bytes(12, b"".join(_varint(_zigzag(delta)) for delta in deltas)),
                _number(15, round(at * 1000)),
            )
        )


def remote_write(url: str, labels: Mapping[str, str], at: float, histogram: Histogram) -> None:
    """Write one sample of one series (`__name__` among its labels); raise HTTPError when Prometheus refuses it."""
    series = b"".join(
        _bytes(1, _bytes(1, name.encode()) + _bytes(2, value.encode())) for name, value in sorted(labels.items())
    )
    body = _snappy(_bytes(1, series + _bytes(4, histogram.encoded(at))))
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/write", body, headers), timeout=30).close()


def _snappy(data: bytes) -> bytes:
    parts = [data[i : i + _LITERAL_BYTES] for i in range(0, len(data), _LITERAL_BYTES)]
    return _varint(len(data)) + b"".join(bytes([(len(part) - 1) << 2]) + part for part in parts)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | _FIXED64) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value
