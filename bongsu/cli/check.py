"""`bongsu check`: every problem of the catalogues, for people, editors and CI; writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.cli.catalogue import check_all, load_catalogue
from bongsu.core.diagnostics import Severity, has_errors, ordered, render
from bongsu.core.formats import DOC, Section, as_github, as_json, as_sarif, sections

if TYPE_CHECKING:
    import argparse
    from pathlib import Path
    from typing import TextIO

NAME = "check"
HELP = "report the problems of the catalogues, write nothing; exit 1 when one is an error"
EXAMPLES = (
    "bongsu check",
    "bongsu check --json",
    "bongsu check --format sarif > bongsu.sarif",
    "bongsu check --format github    # annotations in a GitHub workflow",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text", help="default: text")
    chosen.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Print the problems on `out`, whatever their number; a count closes the text."""
    del err
    catalogue = load_catalogue(args.root)
    problems = ordered(check_all(catalogue))
    if args.format == "json":
        print(as_json(problems, _docs(args.root)), file=out)
    elif args.format == "sarif":
        print(as_sarif(problems, _docs(args.root)), file=out)
    elif problems:
        print(as_github(problems) if args.format == "github" else render(problems, catalogue.sources), file=out)
    if args.format == "text":
        errors = sum(p.severity is Severity.ERROR for p in problems)
        print(f"{errors} error(s), {len(problems) - errors} warning(s)", file=out)
    return 1 if has_errors(problems) else 0


def _docs(root: Path) -> dict[str, Section]:
    path = root / DOC
    return sections(path.read_text(encoding="utf-8")) if path.is_file() else {}
