"""What the routes share: opened with the process, closed with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from research_assistant import keys
from research_assistant.api.auth import Callers
from research_assistant.api.streams import Streams

if TYPE_CHECKING:
    from research_assistant import db
    from research_assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """The open pool, the settings, and what is kept between requests."""

    pool: db.Pool
    settings: Settings
    callers: Callers
    streams: Streams


def open_service(settings: Settings, pool: db.Pool) -> Service:
    """Return the service over an open pool; nothing of it has connected yet."""
    return Service(pool, settings, Callers(partial(keys.verify, pool)), Streams(pool))
