"""The processes that keep backups: the receiver of PostgreSQL's log, and the keeper that ships it and takes copies."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.recovery.adapters.postgres import RECEIVER, SLOT, address, secret
from bongsu.stack.addresses import BACKUPS, keeps_backups
from bongsu.stack.ports import HOST
from bongsu.stack.ready import HttpReady, QueryReady
from bongsu.stack.specs import SETUP, ProcessSpec, Site, TaskSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bongsu.core.manifest import Store

WAL_RECEIVER = "wal-receiver"
WAL_FOLDER = "wal"
_STREAMING = f"""
SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = '{RECEIVER}' AND state = 'streaming')
"""  # noqa: S608 - a constant
_STATUS_SECONDS = "1"
NICENESS = "10"
GRACE_SECONDS = 30.0
"""A keeper that is stopped in the middle of a backup cleans up after it."""


def wanted(site: Site) -> bool:
    """Tell whether this stack keeps backups."""
    return keeps_backups(site.manifest, site.ports, site.options)


def database(site: Site) -> Store:
    """Return the store that is backed up."""
    return next(store for store in site.manifest.stores if store.kind == "postgresql" and store.name in site.ports)


def setup(site: Site, env: Mapping[str, str]) -> Iterator[TaskSpec]:
    """Yield the command that makes PostgreSQL keep its log from now on for the receiver; again, it changes nothing."""
    if wanted(site):
        url = site.urls[database(site).name]
        argv = (_receiver(site), "--create-slot", "--if-not-exists", f"--slot={SLOT}", "--no-password")
        log = site.home.log / f"{WAL_RECEIVER}.log"
        yield TaskSpec("wal-slot", (*argv, "-d", address(url)), {**env, **secret(url)}, site.home.path, log)


def processes(site: Site, env: Mapping[str, str], system: Iterable[str]) -> Iterator[ProcessSpec]:
    """Yield the receiver, which begins once the slot is there, and the keeper, which comes after the `system`.

    After a disaster people wait for the system: what can wait does not compete with its start, nor later with it.
    """
    url = site.urls[database(site).name]
    target = f"{address(url)} application_name={RECEIVER}"
    folder = str(site.home.spool / WAL_FOLDER)
    # --synchronous: what was received is on disk, and said to be, at once and not at the end of a segment.
    argv = (_receiver(site), "-D", folder, f"--slot={SLOT}", "--synchronous", "--no-password")
    yield ProcessSpec(
        name=WAL_RECEIVER,
        argv=(*argv, f"--status-interval={_STATUS_SECONDS}", "-d", target),
        env={**env, **secret(url)},
        cwd=site.home.path,
        log=site.home.log / f"{WAL_RECEIVER}.log",
        ready=QueryReady(url, _STREAMING, "pg_receivewal streams"),
        port=0,
        depends=(SETUP,),
        stop_signal=signal.SIGINT,
    )
    port = site.ports[BACKUPS]
    argv = (site.tools.python, "-P", "-m", "bongsu.cli.keep_backups", "--root", str(site.root))
    yield ProcessSpec(
        name=BACKUPS,
        argv=(*argv, "--home", str(site.home.path), "--port", str(port)),
        env=env,
        cwd=site.root,
        log=site.home.log / f"{BACKUPS}.log",
        ready=HttpReady(f"http://{HOST}:{port}/metrics"),
        port=port,
        depends=(WAL_RECEIVER, *system),
        prefix=("nice", "-n", NICENESS),
        grace=GRACE_SECONDS,
    )


def _receiver(site: Site) -> str:
    return str(Path(site.tools.postgres).parent / "pg_receivewal")
