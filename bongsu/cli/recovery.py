"""Put the parts of backups and restores together for one home: where loaders, ports and adapters meet."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shlex
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core import generations
from bongsu.core.artefacts import write_file
from bongsu.core.errors import StateError, UsageError
from bongsu.recovery.adapters.chroma import ChromaVectors
from bongsu.recovery.adapters.engine import PostgresEngine
from bongsu.recovery.adapters.index import ChromaServer, ManifestIndex
from bongsu.recovery.adapters.postgres import PostgresDatabase
from bongsu.recovery.adapters.repository import ensure_repository, open_repository
from bongsu.recovery.backup import Sources
from bongsu.recovery.catalogue import read_catalogue
from bongsu.recovery.configuration import REPOSITORY_KEY, Configuration
from bongsu.recovery.model import DATABASE, VECTORS
from bongsu.recovery.restore import Target, Tools
from bongsu.stack import binaries, postgres
from bongsu.stack.commands import ChildCommands
from bongsu.stack.environment import base_environment
from bongsu.stack.keeper import read_notes
from bongsu.stack.run import PASSWORD
from bongsu.stack.secretfiles import ensure_secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from bongsu.core.backups import Backups
    from bongsu.core.backups import Repository as Place
    from bongsu.core.manifest import Manifest, Store
    from bongsu.recovery.catalogue import Catalogue
    from bongsu.recovery.ports import Repository
    from bongsu.stack.home import Home

USER = "bongsu"
_LOCK_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Site:
    """One home of one system, and the variables its commands run with (those that a running stack exports)."""

    manifest: Manifest
    root: Path
    home: Home
    environment: Mapping[str, str]

    @property
    def backups(self) -> Backups:
        """Return the manifest's backups; raise UsageError when it has none."""
        if self.manifest.backups is None:
            raise UsageError("the manifest has no `backups:`", where="bongsu.yaml", next="add them: docs/backups.md")
        return self.manifest.backups

    @property
    def commands(self) -> ChildCommands:
        """Return how programs are run."""
        path = binaries.search_path(self.environment)
        return ChildCommands(base_environment(self.environment, self.home, path, neutral=False), self.root)

    @property
    def database(self) -> Store:
        """Return the store that is the source of truth."""
        return next(store for store in self.manifest.stores if store.kind == "postgresql")

    @property
    def index(self) -> Store | None:
        """Return the derived index, if the manifest has one with all its commands."""
        found = [store for store in self.manifest.stores if store.kind == "chroma"]
        return next((store for store in found if store.roll_forward and store.audit and store.heal), None)

    @property
    def cadence(self) -> Mapping[str, float]:
        """Return the seconds within which each part that there is has a newer backup: no index, none to be late."""
        cadence = self.backups.schedule.cadence()
        return {part: seconds for part, seconds in cadence.items() if part != VECTORS or self.index is not None}


def place_of(site: Site, repository: Place) -> Path:
    """Return the folder of a repository: relative ones lie in the home."""
    return site.home.path / repository.path


def key_of(site: Site, repository: Place) -> Path:
    """Return the file of a repository's key."""
    return site.home.secrets / f"{REPOSITORY_KEY}{repository.name}"


def find_repository(site: Site, given: str, key_file: Path | None) -> Repository:
    """Return the repository of this name, or at this path; raise StateError when there is none or the key is wrong."""
    for place in site.backups.repositories:
        path = place_of(site, place)
        if given in {place.name, str(path)} or Path(given).absolute() == path:
            if not path.exists() and key_file is None and given == place.name:
                raise UsageError(f"this home has no repository {given}", where=str(path), next="give its path and key")
            return open_repository(place.name, path, key_file or key_of(site, place), site.commands)
    if key_file is None:
        raise UsageError(f"{given} is no repository of the manifest", next="name one of it, or give its --key-file")
    return open_repository(Path(given).name, Path(given).absolute(), key_file, site.commands)


async def ensure_place(site: Site, place: Place) -> Repository:
    """Return a repository of the manifest, made when it is absent."""
    key = ensure_secret(site.home.secrets, f"{REPOSITORY_KEY}{place.name}")
    return await ensure_repository(place.name, place_of(site, place), key, site.commands, time.time())


def keep_key(site: Site, repository: Repository, key_file: Path | None) -> None:
    """Give a restored home the key of the repository it came from, when that is one of its own."""
    for place in site.backups.repositories:
        kept = key_of(site, place)
        if key_file is not None and place_of(site, place) == repository.path and not kept.exists():
            write_file(kept, key_file.read_text(encoding="utf-8"), 0o600)


def open_all(site: Site) -> list[Repository]:
    """Return every repository of the manifest that is there; raise StateError for one that cannot be opened."""
    return [
        open_repository(place.name, place_of(site, place), key_of(site, place), site.commands)
        for place in site.backups.repositories
        if place_of(site, place).exists()
    ]


async def until_backed_up(site: Site, seconds: float) -> str | None:
    """Wait until every repository holds a restorable backup of every store; return why not when that does not come."""
    deadline = time.monotonic() + seconds
    began = time.time()
    while time.monotonic() < deadline:
        try:
            catalogues = [await asyncio.to_thread(read_catalogue, one.vault) for one in open_all(site)]
        except StateError:  # one of them is being made
            catalogues = []
        whole = [one for one in catalogues if _holds_everything(site, one)]
        if len(whole) == len(site.backups.repositories):
            return None
        notes = read_notes(site.home.path)
        if notes.last and not notes.last["ok"] and notes.last["at"] >= began:
            return "; ".join(f"{name}: {error}" for name, error in notes.last["errors"].items() if error)
        await asyncio.sleep(_LOCK_POLL_SECONDS)
    return f"not within {seconds:g} s: the log of `backups` says why"


def _holds_everything(site: Site, catalogue: Catalogue) -> bool:
    parts = {DATABASE, *((VECTORS,) if site.index else ())}
    return parts <= {part for backup in catalogue.backups for part in backup.parts}


def configuration_of(site: Site) -> Configuration:
    """Return what counts as configuration."""
    return Configuration(site.root, site.backups.configuration, site.home.secrets)


def sources_of(site: Site) -> Sources:
    """Return what is backed up, with the addresses of the running stack."""
    index = manifest_index(site)
    vectors = None
    if index is not None and site.index is not None and (site.home.data / site.index.name).is_dir():
        vectors = ChromaVectors(site.home.data / site.index.name, index.position)
    return Sources(
        database=PostgresDatabase(site.environment[site.database.env], programs(site), site.commands),
        vectors=vectors,
        configuration=configuration_of(site),
        spool=site.home.spool / "work",
        versions=versions(site),
    )


def manifest_index(site: Site) -> ManifestIndex | None:
    """Return the manifest's commands on the derived index."""
    store = site.index
    if store is None:
        return None
    return ManifestIndex(
        commands=site.commands,
        roll_forward_command=store.roll_forward,
        audit_command=store.audit,
        heal_command=store.heal,
        position_command=store.position,
        database_variable=site.database.env,
        index_variable=store.env,
        env={},
        cwd=site.root,
    )


def restore_tools(site: Site) -> Tools:
    """Return what turns fetched bytes into running stores, for this home."""
    folder, prefix = programs(site), postgres.unprivileged()
    kept = site.home.secrets / PASSWORD

    def engine(stored: Path) -> PostgresEngine:
        there = stored / PASSWORD
        old = there.read_text(encoding="ascii") if there.is_file() else ""
        new = kept.read_text(encoding="ascii") if kept.is_file() else old
        return PostgresEngine(
            programs=folder,
            version=postgres.major_version(folder),
            commands=site.commands,
            server=lambda data, port: postgres.server_argv(str(folder / "postgres"), data.parent, port),
            prefix=prefix,
            user=USER,
            stored=old or new,
            wanted=new,
            owner=postgres.NOBODY if prefix == postgres.SETPRIV else None,
        )

    program = binaries.find_programs(["chroma"], binaries.search_path(site.environment))["chroma"]
    return Tools(engine, ChromaServer(program, site.commands) if site.index else None, manifest_index(site))


def restore_target(site: Site) -> Target:
    """Return where in a home the stores lie."""
    index = site.index.name if site.index else ""
    return Target(site.home.path, f"{site.database.name}/{postgres.DATA}", index)


def programs(site: Site) -> Path:
    """Return the folder of PostgreSQL's programs."""
    return postgres.find_binaries(site.environment)


def versions(site: Site) -> dict[str, str]:
    """Return the versions of what made a backup."""
    found = {name: version(name) for name in ("bongsu", "chromadb")}
    return {**found, "postgresql": str(postgres.major_version(programs(site))), "python": sys.version.split()[0]}


def running_environment(home: Home) -> dict[str, str]:
    """Return the caller's variables with those of the stack that runs in this home on top; raise StateError."""
    if generations.current(home.path) is None or not home.env.is_file():
        raise StateError("nothing ever ran here", where=str(home.path), next="`bongsu up` first")
    return {**os.environ, **exported(home)}


def exported(home: Home) -> dict[str, str]:
    """Return the variables that a home's stack exports to a shell, but for PATH."""
    words = shlex.split(home.env.read_text(encoding="utf-8"))
    pairs = (word.partition("=") for word in words if "=" in word and not word.startswith("PATH="))
    return {name: value for name, _, value in pairs}


@contextlib.asynccontextmanager
async def backup_lock(home: Home, wait: float = 0.0) -> AsyncIterator[None]:
    """Hold the right to take backups in this home; the kernel lets go when the process ends, however it ends.

    Raise StateError when another one is still under way after `wait` seconds.
    """
    handle = os.open(home.path / "backup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait
    try:
        while not _try_lock(handle):
            if time.monotonic() >= deadline:
                raise StateError(
                    "another backup is under way", where=str(home.path), next="`bongsu backup status` shows it"
                )
            await asyncio.sleep(_LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
