"""`bongsu diff OLD NEW`: what changed for whoever is on call, in words."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.cli.catalogue import judge, load_catalogue, today
from bongsu.cli.facts import Facts, differences, facts, in_words
from bongsu.core.diagnostics import has_errors
from bongsu.core.errors import SpecError, UsageError
from bongsu.core.manifest import FILE
from bongsu.stack.child import run_command

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import TextIO

NAME = "diff"
HELP = "say in words what changed for whoever is on call, between two folders or git revisions of a project"
EXAMPLES = ("bongsu diff HEAD~1 .", "bongsu diff v1.2 HEAD --json", "bongsu diff /srv/production .")
_SECONDS = 60.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("old", help="a project folder, or a git revision of this project")
    parser.add_argument("new", help="the same")
    parser.add_argument("--json", action="store_true", help="a list of {subject, what, old, new}")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Print the differences; 0 when there is none, 1 when there are, as diff does."""
    del err
    old, new = _facts(args.root, args.old), _facts(args.root, args.new)
    changes = differences(old, new)
    if args.json:
        print(json.dumps([dataclasses.asdict(one) for one in changes], ensure_ascii=False, indent=2), file=out)
    else:
        for line in in_words(changes, old, new) or ["nothing changes for whoever is on call"]:
            print(line, file=out)
    return 1 if changes else 0


def _facts(root: Path, named: str) -> Facts:
    with _project(root, named) as folder:
        catalogue = load_catalogue(folder)
        problems = judge(catalogue, today()).problems
        if has_errors(problems):
            raise SpecError(problems)
        return facts(catalogue)


@contextmanager
def _project(root: Path, named: str) -> Iterator[Path]:
    """Yield the folder of a project: as it lies there, or a revision unpacked beside it, which is gone afterwards."""
    if (Path(named) / FILE).is_file():
        yield Path(named)
        return
    if named.startswith("-"):
        raise UsageError(f"{named!r} is neither a project folder nor a git revision")
    with tempfile.TemporaryDirectory(prefix="bongsu-diff-") as temporary:
        folder = Path(temporary)
        archive = folder / "archive.tar"
        argv = ["git", "-C", str(root), "archive", f"--output={archive}", named, "--", "."]
        done = asyncio.run(run_command(argv, dict(os.environ), root, _SECONDS))
        if done.code != 0:
            why = done.err.strip().splitlines()[-1] if done.err.strip() else "git archive failed"
            raise UsageError(
                f"{named!r} is neither a folder with {FILE} nor a revision: {why}", next="name one of the two"
            )
        unpack(archive, folder / "tree")
        yield folder / "tree"


def unpack(archive: Path, folder: Path) -> None:
    """Write the regular files of an archive below a folder; links and names that lead elsewhere are left out.

    Not by `extractall(filter=...)`: Debian 12's Python 3.11.2 does not have it.
    """
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            target = (folder / member.name).resolve()
            if content is not None and target.is_relative_to(folder.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
