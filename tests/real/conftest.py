"""What the tests on real processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.support.assistant import CORPUS, Assistant, running_assistant
from tests.real.support.jobs import ForkServer
from tests.real.support.pg import Postgres, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """Give the session a throwaway PostgreSQL; each test takes a database of its own on it."""
    with postgres() as started:
        yield started


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """Give the session the process that forks its workers."""
    started = ForkServer()
    yield started
    started.close()


@pytest.fixture(scope="session")
def assistant() -> Iterator[Assistant]:
    """Give the session a whole research assistant, API and worker included, that knows the articles."""
    with running_assistant(CORPUS / "articles") as started:
        yield started
