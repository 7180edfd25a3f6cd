"""What the work at hand belongs to: fields that every log line written meanwhile carries."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_fields: ContextVar[Mapping[str, str]] = ContextVar("bongsu_fields", default={})  # noqa: B039 - replaced, never changed


def fields() -> Mapping[str, str]:
    """Return the fields of the work at hand."""
    return _fields.get()


@contextmanager
def bound(**values: str) -> Iterator[None]:
    """Add fields for the time of the block, for tasks that are started in it too."""
    token = _fields.set({**_fields.get(), **values})
    try:
        yield
    finally:
        _fields.reset(token)


def add(**values: str) -> None:
    """Add fields until the surrounding `bound` ends: for what is learnt on the way, such as who calls."""
    _fields.set({**_fields.get(), **values})
