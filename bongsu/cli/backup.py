"""`bongsu backup run|list|status|verify`: take, show and check the copies of a home."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from bongsu.cli.recovery import (
    Site,
    backup_lock,
    configuration_of,
    find_repository,
    open_all,
    running_environment,
    sources_of,
)
from bongsu.core.durations import format_duration
from bongsu.core.errors import StateError
from bongsu.core.manifest import FILE, load_manifest
from bongsu.recovery.backup import run_backup
from bongsu.recovery.catalogue import read_catalogue
from bongsu.recovery.model import FULL, INCREMENTAL
from bongsu.recovery.plan import moment
from bongsu.recovery.schedule import Situation, Wanted, common_parent, newest
from bongsu.recovery.verify import verify
from bongsu.stack.home import DEFAULT, STACK, Home, read_home
from bongsu.stack.keeper import read_notes

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import TextIO

    from bongsu.recovery.catalogue import Catalogue
    from bongsu.recovery.ports import Repository

NAME = "backup"
HELP = "take a backup into every repository, list them, show how old they are, or read every byte of them"
EXAMPLES = (
    "bongsu backup status                    # exit 1 when something is late",
    "bongsu backup run                       # a full one; --kind incremental for what changed since",
    "bongsu backup list",
    "bongsu backup verify                    # reads every byte, names every file that is not as it was written",
    "bongsu backup verify --from /mnt/region-b --key-file region-b.key",
)
LOCK_SECONDS = 600.0
LOG_SECONDS = 900.0
"""The same bound as the alert WalLag."""
KINDS = (FULL, INCREMENTAL, "vectors", "configuration")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("--home", type=Path, default=None, help=f"folder of all state (default: ROOT/{DEFAULT})")
    verbs = parser.add_subparsers(dest="action", required=True, metavar="run|list|status|verify")
    run_ = verbs.add_parser("run", help="take a backup now; the stack must run")
    run_.add_argument("--kind", choices=KINDS, default=FULL, help="what to take (default: full, of everything)")
    for name, text in (("list", "every restorable backup, by repository"), ("status", "how old the newest ones are")):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("--json", action="store_true", help="print one JSON object")
    verify_ = verbs.add_parser("verify", help="read every byte; exit 1 when anything is not as it was written")
    verify_.add_argument("--from", dest="repository", default="", help="one repository, by name or path (default: all)")
    verify_.add_argument("--key-file", type=Path, default=None, help="its key (default: the one in the home)")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:  # noqa: ARG001 - the seam of all verbs
    """Carry out one action; exit 0 only when all of it is well."""
    manifest = load_manifest(args.root / FILE)
    home = _home(args)
    environment = running_environment(home) if args.action == "run" else {}
    site = Site(manifest, args.root, home, environment or os.environ)
    match args.action:
        case "run":
            return asyncio.run(_take(site, args.kind, out))
        case "verify":
            return asyncio.run(_verify(site, args.repository, args.key_file, out))
        case "list":
            return _list(site, out, as_json=args.json)
        case _:
            return _status(site, out, as_json=args.json)


def _home(args: argparse.Namespace) -> Home:
    """Return the home; a repository and its key can be verified on a machine that has none."""
    path = (args.home or args.root / DEFAULT).absolute()
    if args.action == "verify" and args.key_file is not None and not path.exists():
        return Home(path, STACK, "")
    return read_home(path)


async def _take(site: Site, kind: str, out: TextIO) -> int:
    sources = sources_of(site)
    async with backup_lock(site.home, LOCK_SECONDS):
        repositories = open_all(site)
        if len(repositories) < len(site.backups.repositories):
            raise StateError("a repository is not there yet", next="the keeper of backups makes it: `bongsu status`")
        catalogues = [await asyncio.to_thread(read_catalogue, one.vault) for one in repositories]
        system_id, timeline = await sources.database.prepare()
        situation = Situation(system_id, timeline, "")
        wanted = _wanted(kind, common_parent(catalogues, situation))
        outcome = await run_backup(wanted, sources, repositories, lambda line: print(line, file=out, flush=True))
    print(f"{outcome.id}: {'ok' if outcome.ok else 'failed'} after {outcome.seconds:.1f} s", file=out)
    return 0 if outcome.ok else 1


def _wanted(kind: str, parent: str) -> Wanted:
    match kind:
        case "full":
            return Wanted(FULL, FULL, configuration=True)
        case "incremental":
            if not parent:
                raise StateError("there is no full backup to build on", next="bongsu backup run --kind full")
            return Wanted(INCREMENTAL, INCREMENTAL, parent, configuration=True)
        case "vectors":
            return Wanted("", INCREMENTAL, configuration=True)
        case _:
            return Wanted(configuration=True)


async def _verify(site: Site, name: str, key_file: Path | None, out: TextIO) -> int:
    repositories = [find_repository(site, name, key_file)] if name else open_all(site)
    if not repositories:
        raise StateError("there is no repository yet", where=str(site.home.path), next="`bongsu up` makes them")
    clean = True
    for repository in repositories:
        began = time.monotonic()
        report = await verify(repository, time.time())
        clean = clean and report.ok
        verdict = "all as it was written" if report.ok else f"{len(report.findings)} finding(s)"
        seconds = time.monotonic() - began
        size = f"{report.files} files, {report.bytes / 1e6:.1f} MB, {report.backups} backups"
        print(f"{report.repository}: {verdict}; {size} read in {seconds:.1f} s", file=out)
        for finding in report.findings:
            print(f"  {finding}", file=out)
    return 0 if clean else 1


def _catalogues(site: Site) -> list[tuple[Repository, Catalogue]]:
    return [(repository, read_catalogue(repository.vault)) for repository in open_all(site)]


def _list(site: Site, out: TextIO, *, as_json: bool) -> int:
    found = _catalogues(site)
    if as_json:
        content = {one.name: [asdict(backup) for backup in catalogue.backups] for one, catalogue in found}
        print(json.dumps(content, indent=2), file=out)
        return 0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("repository", "backup", "restorable from", "database", "vectors", "configuration"):
        table.add_column(column, no_wrap=True)
    for repository, catalogue in found:
        for backup in catalogue.backups:
            database, vectors, files = backup.database, backup.vectors, backup.configuration
            table.add_row(
                repository.name,
                backup.id,
                moment(database.ended_at) if database else "",
                f"{database.kind} {database.bytes / 1e6:.1f} MB" if database else "",
                f"{vectors.kind} {vectors.bytes / 1e6:.1f} MB to {vectors.position}" if vectors else "",
                files.digest[:12] if files else "",
            )
    Console(file=out, highlight=False, width=None if out.isatty() else 160).print(table)
    for repository, catalogue in found:
        reach = f"reaches to {moment(catalogue.head.covered_at)}" if catalogue.head else "was never shipped"
        print(f"{repository.name}: the log {reach}", file=out)
    return 0


def _status(site: Site, out: TextIO, *, as_json: bool) -> int:
    """Show ages against cadences; exit 1 when a part is older than twice its cadence or the log lags 15 minutes."""
    now = time.time()
    rows: list[dict[str, object]] = []
    for repository, catalogue in _catalogues(site):
        for part, cadence in site.cadence.items():
            at = newest(catalogue.backups, part)
            late = now - at > 2 * cadence and not _unchanged(site, part, catalogue)
            rows.append(_row(repository, part, at, now, late))
        covered = catalogue.head.covered_at if catalogue.head else float("-inf")
        rows.append(_row(repository, "log", covered, now, now - covered > LOG_SECONDS))
    notes = read_notes(site.home.path)
    if as_json:
        print(json.dumps({"rows": rows, "last": notes.last}, indent=2), file=out)
    else:
        for row in rows:
            print(f"{row['repository']}  {row['part']:<14}{row['age']:>14}  {row['state']}", file=out)
        if notes.last:
            print(_last(notes.last), file=out)
    return 1 if not rows or any(row["state"] != "ok" for row in rows) else 0


def _last(last: Mapping[str, Any]) -> str:
    """Return what the keeper tried last, in one line."""
    wrong = "; ".join(f"{name}: {error}" for name, error in last.get("errors", {}).items() if error)
    when = moment(last["at"]) if "at" in last else "when nobody knows"
    return f"last attempt: {when}, {'ok' if last.get('ok') else wrong or last.get('error', 'failed')}"


def _unchanged(site: Site, part: str, catalogue: Catalogue) -> bool:
    """Tell whether the newest copy of the configuration is what it is today: then its age says nothing."""
    if part != "configuration":
        return False
    held = [backup.configuration.digest for backup in catalogue.backups if backup.configuration]
    return bool(held) and held[-1] == configuration_of(site).digest()


def _row(repository: Repository, part: str, at: float, now: float, late: bool) -> dict[str, object]:
    known = at > 0
    return {
        "repository": repository.name,
        "part": part,
        "age": f"{format_duration(round(max(0.0, now - at)))} old" if known else "never",
        "at": at if known else 0.0,
        "state": "late" if late else "ok",
    }
