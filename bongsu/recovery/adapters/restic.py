"""Snapshots in a restic repository in a folder. Exit codes are not believed: what restic says is checked.

Source: https://restic.readthedocs.io/en/v0.14.0/ (scripting, `--json`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bongsu.core.errors import StateError
from bongsu.recovery.ports import Saved

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bongsu.recovery.ports import Commands, Ended

RESTIC = "restic"
FOLDER = "restic"
_HOST = "bongsu"
_SECONDS = 6 * 3600.0
"""Of one restic command; a backup that hangs is seen long before by BackupHung."""
_SHOWN = 600
_LOCKED = "already locked"


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
        """Write a stored folder's content into `into`; raise StateError when anything of it is missing or damaged."""
        await self._restic("restore", snapshot, "--target", str(into))

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
        argv = [RESTIC, verb, *arguments, "--no-cache", "--repo", str(self.folder / FOLDER)]
        argv += ["--password-file", str(self.key_file)]
        done = await self.commands.run(argv, cwd=cwd, seconds=_SECONDS)
        if done.code != 0 and _LOCKED in done.err and verb != "unlock":
            await self._restic("unlock")  # of a run that was killed: restic removes only locks whose process is gone
            done = await self.commands.run(argv, cwd=cwd, seconds=_SECONDS)
        if done.code != 0:
            raise StateError(
                f"restic {verb} failed (exit code {done.code}): {_tail(done)}",
                where=str(self.folder / FOLDER),
                next="`bongsu backup verify` names what is damaged; the other repository is not touched",
            )
        return done


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
