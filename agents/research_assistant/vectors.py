"""Vectors between PostgreSQL and numpy: `real[]` on the binary wire, without a Python float for each component.

Wire format: five big-endian integers of four bytes (dimensions, whether there are NULLs, type of the elements, length,
lower bound), then for each element its length in bytes and its value.
Source: array_send in src/backend/utils/adt/arrayfuncs.c of PostgreSQL 18.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format

if TYPE_CHECKING:
    from psycopg.abc import AdaptContext, Buffer

Vector: TypeAlias = NDArray[np.float32]

REAL = psycopg.postgres.types["float4"]
BYTES = 4
_HEADER = struct.Struct(">5i")
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">f4")])


def register(context: AdaptContext) -> None:
    """Let this cursor or connection read `real[]` (in binary results) as vectors and write vectors as `real[]`."""
    context.adapters.register_loader(REAL.array_oid, _Loader)
    context.adapters.register_dumper(np.ndarray, _Dumper)


def from_wire(data: Buffer) -> Vector:
    """Return the vector of a `real[]`; raise DataError for one that is not a list of numbers without NULLs."""
    try:
        dimensions, nulls, kind, length, _ = _HEADER.unpack_from(data)
        elements = np.frombuffer(data, _ELEMENT, offset=_HEADER.size)
    except (struct.error, ValueError) as error:
        raise psycopg.DataError("an embedding is not a real[] of one dimension") from error
    if (dimensions, nulls, kind, length) != (1, 0, REAL.oid, len(elements)):
        raise psycopg.DataError("an embedding is not a real[] of one dimension without NULLs")
    return elements["value"].astype(np.float32)


def to_wire(vector: Vector) -> bytes:
    """Return the `real[]` of a vector of at least one component."""
    elements = np.empty(len(vector), _ELEMENT)
    elements["length"], elements["value"] = BYTES, vector
    return _HEADER.pack(1, 0, REAL.oid, len(vector), 1) + elements.tobytes()


class _Loader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> Vector:
        return from_wire(data)


class _Dumper(Dumper):
    format = Format.BINARY
    oid = REAL.array_oid

    def dump(self, obj: Vector) -> bytes:
        return to_wire(obj)
