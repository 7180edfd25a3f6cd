"""`bongsu restore`: bring both stores and the configuration back to one instant, from one repository and its key."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.cli.recovery import Site, find_repository, keep_key, restore_target, restore_tools
from bongsu.cli.supervise import run_until_stopped
from bongsu.core.errors import UsageError
from bongsu.core.manifest import FILE, load_manifest
from bongsu.recovery.catalogue import WAL, read_catalogue
from bongsu.recovery.plan import Log, RestorePlan, make_plan, moment
from bongsu.recovery.restore import Restored, restore
from bongsu.stack.home import DEFAULT, STACK, Home, lock, open_home, read_home
from bongsu.stack.stop import stop_leftovers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import TextIO

    from bongsu.recovery.ports import Repository

NAME = "restore"
HELP = "restore both stores and the configuration to one instant; what was in use before is kept aside"
EXAMPLES = (
    "bongsu restore --to latest --from b --plan             # what it would do, how long, what is lost",
    "bongsu down && bongsu restore --to latest --from b && bongsu up",
    "bongsu restore --to 2026-11-26T03:00:00Z --from /mnt/region-b --key-file region-b.key --into /srv/bongsu",
)
LATEST = "latest"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("--to", required=True, help="latest, or an instant such as 2026-11-26T03:00:00Z")
    parser.add_argument("--from", dest="repository", required=True, help="a repository of the manifest, or its path")
    parser.add_argument("--key-file", type=Path, default=None, help="its key (default: the one in the home)")
    parser.add_argument("--into", type=Path, default=None, help=f"the home (default: ROOT/{DEFAULT}); made when absent")
    parser.add_argument("--plan", action="store_true", help="show the plan and do nothing")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Show the plan, then carry it out; exit 0 when both stores agree and are in use."""
    target = parse_instant(args.to)
    manifest = load_manifest(args.root / FILE)
    path = args.into or args.root / DEFAULT
    home = _home(path, only_look=args.plan)
    site = Site(manifest, args.root, home, os.environ)
    repository = find_repository(site, args.repository, args.key_file)
    plan = plan_of(repository, target)
    progress = err if args.json else out
    print(describe(plan, repository, home, time.time()), file=progress, flush=True)
    if args.plan:
        return 0
    done: list[Restored] = []
    run_until_stopped(_restore(site, plan, repository, args.key_file, _reporter(progress), done))
    result = done[0]
    if args.json:
        print(json.dumps(asdict(result)), file=out)
    print(_summary(result, home), file=progress)
    return 0


def parse_instant(text: str) -> float | None:
    """Return an instant as Unix time, None for `latest`; raise UsageError for anything else.

    Without a zone nobody knows which hour is meant: it must be there.
    """
    if text == LATEST:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UsageError(f"{text!r} is no instant", where="--to", next="write latest, or 2026-11-26T03:00:00Z")
    if found > datetime.now(UTC):
        raise UsageError(f"{text} is not yet over", where="--to", next="write latest")
    return found.timestamp()


def plan_of(repository: Repository, target: float | None) -> RestorePlan:
    """Return the plan of a restore from a repository."""
    vault = repository.vault
    return make_plan(read_catalogue(vault), Log(frozenset(vault.names(WAL)), vault.sealed_at), target)


def describe(plan: RestorePlan, repository: Repository, home: Home, now: float) -> str:
    """Return the plan in words: what, from where, how much, and what is lost."""
    chain = " + ".join(backup.id for backup in plan.chain)
    instant = moment(plan.reaches) if plan.target is None else moment(plan.target)
    lines = [
        f"restore to {instant}{' (latest)' if plan.target is None else ''} from {repository.name} ({repository.path})",
        f"  into           {home.path}",
        f"  database       {chain}, then {len(plan.log)} segment(s) of the log on timeline {plan.timeline}",
        f"  index          {plan.vectors.id if plan.vectors else 'built anew from the database'}",
        f"  configuration  {plan.configuration.id if plan.configuration else 'none'}",
        f"  to fetch       {plan.bytes / 1e6:.0f} MB before compression",
        f"  lost           what was committed after {instant}, {now - plan.reaches:.0f} s before now",
    ]
    return "\n".join(lines)


async def _restore(  # noqa: PLR0917 - one call, and each of them is needed
    site: Site,
    plan: RestorePlan,
    repository: Repository,
    key_file: Path | None,
    report: Callable[[str], None],
    done: list[Restored],
) -> None:
    with lock(site.home):
        await stop_leftovers(site.home, lambda step: report(f"{step.phase} {step.name} {step.detail}"))
        done.append(await restore(plan, repository, restore_target(site), restore_tools(site), report))
        keep_key(site, repository, key_file)


def _home(path: Path, *, only_look: bool) -> Home:
    """Return the home to restore into, made when it is absent; to look at a plan makes nothing."""
    if path.is_dir() and any(path.iterdir()):
        return read_home(path)
    return Home(path.absolute(), STACK, "") if only_look else open_home(path)


def _reporter(out: TextIO) -> Callable[[str], None]:
    began = time.monotonic()
    return lambda line: print(f"[{time.monotonic() - began:6.1f} s] {line}", file=out, flush=True)


def _summary(result: Restored, home: Home) -> str:
    lines = [f"restored: {home.path / result.generation} is in use"]
    if result.aside:
        lines.append(f"  before: {home.path / result.aside} is kept; remove it when nobody needs it")
    lines += [f"  repaired: {what}" for what in result.repaired]
    lines.append("  PostgreSQL keeps its log from here on; `bongsu up` ships it and takes a full backup")
    return "\n".join(lines)
