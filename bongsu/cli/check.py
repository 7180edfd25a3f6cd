"""`bongsu check`: every problem of the catalogues, for people, editors and CI; writes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.console import Console

from bongsu.checks.online_no_series import questions
from bongsu.cli.catalogue import judge, load_catalogue, today
from bongsu.core.diagnostics import Severity, has_errors, render
from bongsu.core.errors import UsageError
from bongsu.core.formats import as_github, as_json, as_sarif, own_sections
from bongsu.stack.live import seen

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from bongsu.checks.model import Catalogue

NAME = "check"
HELP = "report the problems of the catalogues, write nothing; exit 1 when one is an error"
EXAMPLES = (
    "bongsu check",
    "bongsu check --json",
    "bongsu check --format sarif > bongsu.sarif",
    "bongsu check --format github    # annotations in a GitHub workflow",
    "bongsu check --online http://127.0.0.1:9090    # also ask this Prometheus whether each selector finds series",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text", help="default: text")
    chosen.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    parser.add_argument(
        "--online", metavar="URL", help="ask this Prometheus about every selector; its metrics count as known"
    )


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Print the problems on `out`, whatever their number; a count closes the text."""
    catalogue = load_catalogue(args.root)
    if args.online:
        catalogue = _asked(catalogue, args.online, err)
    verdict = judge(catalogue, today())
    problems = verdict.problems
    if args.format == "json":
        print(as_json(verdict, own_sections()), file=out)
    elif args.format == "sarif":
        print(as_sarif(verdict, own_sections()), file=out)
    elif problems:
        print(as_github(problems) if args.format == "github" else render(problems, catalogue.sources), file=out)
    if args.format == "text":
        errors = sum(p.severity is Severity.ERROR for p in problems)
        counts = (f"{errors} error(s)", f"{len(problems) - errors} warning(s)", verdict.summary())
        print(", ".join(part for part in counts if part), file=out)
    return 1 if has_errors(problems) else 0


def _asked(catalogue: Catalogue, url: str, err: TextIO) -> Catalogue:
    """Return the catalogue with what a Prometheus has for each of its selectors; a terminal sees how far that is."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise UsageError("--online needs an http address without a password in it", next="http://127.0.0.1:9090")
    asked = questions(catalogue)
    with Console(file=err).status("") if err.isatty() else contextlib.nullcontext() as status:

        def told(answered: int) -> None:
            if status:
                status.update(f"{answered} of {len(asked)} selectors asked")

        return dataclasses.replace(catalogue, live=asyncio.run(seen(url.rstrip("/"), asked, told)))
