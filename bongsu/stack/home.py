"""The home: the one folder that holds a stack's state, told apart from other folders by its marker file."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core import generations
from bongsu.core.artefacts import write_file
from bongsu.core.errors import StateError
from bongsu.stack import pids

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = ".bongsu"
MARKER = "bongsu-home.json"
STACK, PROOF = "stack", "proof"
_FORMAT = 1
_SUN_PATH = 107  # bytes of a unix socket's path on Linux; macOS has 103
_LONGEST_SOCKET = len("/run/fault-") + 48


@dataclass(frozen=True, slots=True)
class Home:
    """A home that exists: its folder, its kind (`stack` or `proof`) and the identity its processes carry."""

    path: Path
    kind: str
    identity: str

    @property
    def log(self) -> Path:
        """Return the folder of the processes' output."""
        return self.path / "log"

    @property
    def run(self) -> Path:
        """Return the folder of unix sockets."""
        return self.path / "run"

    @property
    def secrets(self) -> Path:
        """Return the folder of the 0600 files."""
        return self.path / "secrets"

    @property
    def ledger(self) -> Path:
        """Return the folder of the fault proxies' ledgers."""
        return self.path / "ledger"

    @property
    def data(self) -> Path:
        """Return the link to the generation in use: each store's folder lies below it."""
        return self.path / generations.LINK

    @property
    def spool(self) -> Path:
        """Return where the log of the generation in use waits to be shipped, and where backups are put together."""
        return self.data / "spool"

    @property
    def state(self) -> Path:
        """Return the file in which the supervisor writes what runs."""
        return self.path / "state.json"

    @property
    def env(self) -> Path:
        """Return the file with the variables that point a shell at this stack."""
        return self.path / "env"


def open_home(path: Path, kind: str = STACK) -> Home:
    """Return the home at `path`, made when there is none; a folder of somebody else's is refused, never emptied."""
    path = path.absolute()
    if path.exists() and not path.is_dir():
        raise StateError("is not a folder", where=str(path), next="choose another one with --home")
    if not (path / MARKER).exists():
        _create(path, kind)
    home = read_home(path)
    if home.kind != kind:
        raise StateError(
            f"is the home of a {home.kind}, not of a {kind}", where=str(path), next="choose another --home"
        )
    path.chmod(0o700)
    for folder in (home.log, home.run, home.secrets, home.ledger):
        folder.mkdir(mode=0o700, exist_ok=True)
    return home


def read_home(path: Path) -> Home:
    """Return the home at `path`; raise StateError when there is none or its marker cannot be read."""
    path = path.absolute()
    marker = path / MARKER
    try:
        content = json.loads(marker.read_text(encoding="utf-8"))
        known = content["format"] == _FORMAT and content["kind"] in (STACK, PROOF)
        home = Home(path, str(content["kind"]), str(uuid.UUID(content["identity"])))
    except FileNotFoundError:
        raise StateError("is not a bongsu home", where=str(path), next="run `bongsu up` or pass --home") from None
    except PermissionError:
        raise StateError("cannot be read by this user", where=str(path), next="run as its owner") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StateError(
            "is damaged: this is not a marker of ours",
            where=str(marker),
            next="move the folder aside; nothing was deleted",
        ) from None
    if not known:
        raise StateError("was made by another version", where=str(marker), next="move the folder aside and start anew")
    return home


def _create(path: Path, kind: str) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = sorted(entry.name for entry in path.iterdir())
        if found:
            raise StateError(
                f"is not empty and not a bongsu home (it holds {', '.join(found[:3])})",
                where=str(path),
                next="choose another folder with --home; nothing was touched",
            )
        content = {"format": _FORMAT, "kind": kind, "identity": str(uuid.uuid4())}
        write_file(path / MARKER, json.dumps(content) + "\n", 0o600)
    except OSError as error:
        raise StateError(
            f"cannot be made: {error.strerror}", where=str(path), next="choose another folder with --home"
        ) from error


@contextlib.contextmanager
def fresh_home(*, keep: bool = False) -> Iterator[Home]:
    """Yield a new temporary home of the kind `proof`; remove it at the end unless `keep`."""
    path = Path(tempfile.mkdtemp(prefix="bongsu-proof-"))
    try:
        if len(os.fsencode(path)) + _LONGEST_SOCKET > _SUN_PATH:
            raise StateError("is too long for unix sockets", where=str(path), next="set TMPDIR to a shorter folder")
        yield open_home(path, PROOF)
    finally:
        if not keep:
            shutil.rmtree(path)


@contextlib.contextmanager
def lock(home: Home) -> Iterator[None]:
    """Hold the home for one supervisor; the kernel lets go when the process ends, however it ends."""
    handle = os.open(home.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateError(
                "another supervisor runs here",
                where=str(home.path),
                next="`bongsu status` shows it, `bongsu down` stops it",
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()} {pids.identity(os.getpid())}".encode())
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder(home: Home) -> tuple[int, str] | None:
    """Return pid and identity of the supervisor that holds the home, None when nobody does."""
    try:
        pid, _, known = (home.path / "lock").read_text(encoding="ascii").partition(" ")
    except FileNotFoundError:
        return None
    return (int(pid), known) if pid and pids.is_alive(int(pid), known) else None
