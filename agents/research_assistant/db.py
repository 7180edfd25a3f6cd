"""Connections to PostgreSQL: timed, counted, and what counts as "the database went away"."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from weakref import WeakKeyDictionary, WeakSet

import psycopg
from psycopg import AsyncClientCursor, AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from bongsu.core import conventions as names
from bongsu.core.errors import UnreachableError
from bongsu.telemetry import metrics as m

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from typing import Self

    from research_assistant.settings import Settings

Connection: TypeAlias = AsyncConnection[DictRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]

CONNECT_SECONDS = 10.0
CHECKOUT_SECONDS = 5.0
RESTED_SECONDS = 1.0


@contextmanager
def _timed() -> Iterator[None]:
    """Measure what is done inside; both outcomes count."""
    started = time.perf_counter()
    outcome = "error"
    try:
        yield
        outcome = "ok"
    finally:
        m.database_duration.labels(outcome).observe(time.perf_counter() - started)


class TimedCursor(AsyncCursor[DictRow]):
    """A cursor that measures its statements; nothing of them is kept."""

    async def execute(self, *args: Any, **named: Any) -> Self:
        """Execute and measure a statement."""
        with _timed():
            return await super().execute(*args, **named)


CONNECTION_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "cursor_factory": TimedCursor,
    "row_factory": dict_row,
    "connect_timeout": int(CONNECT_SECONDS),
    # A peer that vanished without a word is noticed in half a minute, not in two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
}
SERVER_WENT_AWAY = frozenset({"57P01", "57P02", "57P03", "57P05", "53300"})
"""SQLSTATEs of a server that shuts down, crashed, starts, dropped an idle session or has no connection left."""


def is_connection_lost(error: BaseException) -> bool:
    """Tell whether the server is gone, restarting or unreachable: worth another try, unlike a wrong statement."""
    if not isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return False
    # Errors raised on our side of the wire (a refused connection, an exhausted pool) carry no SQLSTATE.
    return error.sqlstate is None or error.sqlstate.startswith("08") or error.sqlstate in SERVER_WENT_AWAY


def where(url: str) -> str:
    """Return `host:port/database` of a connection URL: fit for messages, without user and password."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


class _RestedCheck:
    """Test a connection at checkout only when its last test is older than a second.

    Testing each checkout cost a round trip for every statement: 9 % of a worker's CPU, measured with py-spy.
    """

    def __init__(self) -> None:
        self._tested: WeakKeyDictionary[AsyncConnection[Any], float] = WeakKeyDictionary()

    async def __call__(self, conn: AsyncConnection[Any]) -> None:
        now = time.monotonic()
        if now - self._tested.get(conn, 0.0) > RESTED_SECONDS:
            await AsyncConnectionPool.check_connection(conn)
            self._tested[conn] = now


async def open_pool(settings: Settings, *, max_size: int) -> Pool:
    """Open a pool of autocommit connections with dict rows; the caller closes it.

    A checkout tests a connection that rested, so a server restart costs a reconnect and not an error, and a busy pool
    pays no round trip for it. Raises UnreachableError.
    """
    try:
        # The pool would keep trying in silence; one plain attempt says at once what is wrong.
        await (await AsyncConnection.connect(settings.database_url, **CONNECTION_OPTIONS)).close()
    except psycopg.OperationalError as error:
        raise unreachable(settings.database_url, error) from error
    pool = cast(
        "Pool",
        AsyncConnectionPool(
            settings.database_url,
            kwargs=CONNECTION_OPTIONS,
            min_size=1,
            max_size=max_size,
            timeout=CHECKOUT_SECONDS,
            check=_RestedCheck(),
            open=False,
        ),
    )
    await pool.open()
    _pools.add(pool)
    return pool


_pools: WeakSet[Pool] = WeakSet()


def count_connections() -> None:
    """Export how many connections the pools of this process use, keep idle and are waited for."""

    def total(of: Callable[[dict[str, int]], int]) -> Callable[[], float]:
        return lambda: float(sum(of(pool.get_stats()) for pool in list(_pools)))

    gauge = m.gauge(names.DATABASE_CONNECTIONS)
    gauge.labels("used").set_function(total(lambda stats: stats["pool_size"] - stats["pool_available"]))
    gauge.labels("idle").set_function(total(lambda stats: stats["pool_available"]))
    gauge.labels("waiting").set_function(total(lambda stats: stats["requests_waiting"]))


def unreachable(url: str, error: psycopg.Error) -> UnreachableError:
    """Return the error that says that PostgreSQL did not let us in, and why (libpq's sentence holds no password)."""
    return UnreachableError(
        f"PostgreSQL does not answer: {' '.join(str(error).split())}",
        where=where(url),
        next="check that it runs and that DATABASE_URL names its host, port, user and password",
    )


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """Yield a connection inside one transaction; commit at the end, roll back on an error."""
    async with pool.connection() as conn, conn.transaction():
        yield conn


async def script(conn: Connection, statements: str, values: Mapping[str, object]) -> list[DictRow]:
    """Execute statements with `%(name)s` placeholders in one message and transaction; return the last one's rows.

    One way to the server and back, however busy this process is in between: nobody waits for its event loop while the
    transaction holds its locks. `conn` has no transaction open.
    """
    cursor = AsyncClientCursor(conn, row_factory=dict_row)
    with _timed():
        await cursor.execute(statements, values)
    while cursor.nextset():
        pass
    return await cursor.fetchall()


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """Yield a connection that sees one instant of the database and can write nothing."""
    async with transaction(pool) as conn:
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield conn
