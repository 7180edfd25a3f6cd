"""Snapshots in a restic repository in a folder. Exit codes are not believed: what restic says is checked.

Source: https://restic.readthedocs.io/en/v0.14.0/ (scripting, `--json`).
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bongsu.core.errors import StateError
from bongsu.recovery.ports import Ended, Saved

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bongsu.recovery.ports import Commands, Running

RESTIC = "restic"
FOLDER = "restic"
_HOST = "bongsu"
_SECONDS = 6 * 3600.0
"""Of one restic command; a backup that hangs is seen long before by BackupHung."""
_SHOWN = 600
_LOCKED = "already locked"
_RETRYING = "returned error, retrying"
RETRY_SECONDS = 10.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class ResticSnapshots:
    """Snapshots in `folder`/restic, encrypted with the password in `key_file`."""

    commands: Commands
    folder: Path
    key_file: Path

    async def create(self) -> None:
        """Make the repository; one that is there already is an error."""
        await self._restic("init")

    async def save(self, folder: Path, part: str, *, whole: bool) -> Saved:
        """Store a folder; `whole` reads every file again instead of trusting times and sizes. Raise StateError."""
        options = ("--force",) if whole else ()
        done = await self._restic("backup", "--json", "--host", _HOST, "--tag", part, *options, ".", cwd=folder)
        said = _summary(done)
        if not said.get("snapshot_id") or not said.get("total_files_processed"):
            raise StateError(
                f"restic stored nothing of the {part} (exit code {done.code}): {_tail(done)}",
                where=str(self.folder),
                next="run `restic version`: is this the real restic?",
            )
        counts = (said["total_files_processed"], said["total_bytes_processed"], said["data_added"])
        return Saved(str(said["snapshot_id"]), *counts)

    async def listed(self, saved: Sequence[str]) -> list[str]:
        """Return the full ids of snapshots that were just saved; raise StateError for one that is not there."""
        known = await self.ids()
        found = [[one for one in known if one.startswith(short)] for short in saved]
        for short, ids in zip(saved, found, strict=True):
            if len(ids) != 1:
                raise StateError(f"restic names snapshot {short} and does not list it", where=str(self.folder))
        return [ids[0] for ids in found]

    async def restore(self, snapshot: str, into: Path) -> None:
        """Write a stored folder's content into `into`; raise StateError when anything of it is missing or damaged.

        restic tries for a quarter of an hour to read what a shortened file does not hold: it gets RETRY_SECONDS.
        """
        log = into.with_name(f"{into.name}.restic.log")
        log.unlink(missing_ok=True)
        process = await self.commands.start(self._argv("restore", snapshot, "--target", str(into)), log)
        try:
            code = await _ended(process, log)
        finally:
            await process.stop(signal.SIGKILL, 0.0)
        said = log.read_text(encoding="utf-8", errors="replace")
        log.unlink()
        if code is None:
            raise StateError(
                f"restic restore cannot read {_unreadable(said)}",
                where=str(self.folder / FOLDER),
                next="`bongsu backup verify` names what is damaged; the other repository is not touched",
            )
        if code != 0:
            raise self._failed("restore", Ended(code, "", said))

    async def ids(self) -> set[str]:
        """Return the ids of all snapshots."""
        done = await self._restic("snapshots", "--json")
        try:
            return {str(one["id"]) for one in json.loads(done.out)}
        except (ValueError, TypeError, KeyError):
            raise StateError(f"restic lists no snapshots: {_tail(done)}", where=str(self.folder)) from None

    async def forget(self, snapshots: Sequence[str]) -> None:
        """Remove snapshots and what nothing else uses of them."""
        if snapshots:
            await self._restic("forget", *snapshots, "--prune")

    async def check(self) -> list[str]:
        """Return what is wrong with the structure, in words; the bytes are judged by whoever knows their hashes."""
        try:
            done = await self._restic("check")
        except StateError as error:
            return [error.what]
        # A program that exits 0 and says nothing has checked nothing.
        return [] if "no errors were found" in done.out else [f"restic did not finish its check: {_tail(done)}"]

    async def _restic(self, verb: str, *arguments: str, cwd: Path | None = None) -> Ended:
        """Run one restic command; raise StateError with what it said when it fails."""
        argv = self._argv(verb, *arguments)
        done = await self.commands.run(argv, cwd=cwd, seconds=_SECONDS)
        if done.code != 0 and _LOCKED in done.err and verb != "unlock":
            await self._restic("unlock")  # of a run that was killed: restic removes only locks whose process is gone
            done = await self.commands.run(argv, cwd=cwd, seconds=_SECONDS)
        if done.code != 0:
            raise self._failed(verb, done)
        return done

    def _argv(self, verb: str, *arguments: str) -> list[str]:
        argv = [RESTIC, verb, *arguments, "--no-cache", "--repo", str(self.folder / FOLDER)]
        return [*argv, "--password-file", str(self.key_file)]

    def _failed(self, verb: str, done: Ended) -> StateError:
        return StateError(
            f"restic {verb} failed (exit code {done.code}): {_tail(done)}",
            where=str(self.folder / FOLDER),
            next="`bongsu backup verify` names what is damaged; the other repository is not touched",
        )


async def _ended(process: Running, log: Path) -> int | None:
    """Wait for the exit code; None once it has been trying again for RETRY_SECONDS to read one thing."""
    trying_since = 0.0
    deadline = time.monotonic() + _SECONDS
    while (code := process.ended()) is None:
        if not trying_since and _RETRYING in log.read_text(encoding="utf-8", errors="replace"):
            trying_since = time.monotonic()
        if (trying_since and time.monotonic() - trying_since > RETRY_SECONDS) or time.monotonic() > deadline:
            return None
        await asyncio.sleep(_POLL_SECONDS)
    return code


def _unreadable(said: str) -> str:
    """Return the last complaint about something that it tries to read again."""
    return next((line for line in reversed(said.splitlines()) if _RETRYING in line), "its files in time")


def _summary(done: Ended) -> dict[str, Any]:
    """Return the last line of `--json` output that is a summary, empty when there is none."""
    for line in reversed(done.out.splitlines()):
        try:
            content = json.loads(line)
        except ValueError:
            continue
        if isinstance(content, dict) and content.get("message_type") == "summary":
            return content
    return {}


def _tail(done: Ended) -> str:
    return " ".join((done.err or done.out).split())[-_SHOWN:] or "it said nothing"
