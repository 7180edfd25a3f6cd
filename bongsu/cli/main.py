"""Turn a command line into a verb, and an error into a sentence and an exit code.

Exit codes: 0 ok, 1 findings, 2 usage, 3 component unreachable.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bongsu import __version__
from bongsu.core.diagnostics import render
from bongsu.core.errors import BongsuError, SpecError, UsageError
from bongsu.core.manifest import FILE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

VERBS = (
    "init",
    "up",
    "down",
    "status",
    "check",
    "compile",
    "explain",
    "diff",
    "route",
    "silence",
    "replay",
    "backtest",
    "watch",
    "prove",
    "backup",
    "restore",
    "drill",
)
OK, FINDINGS, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130


def entry() -> None:
    """Run the console script."""
    sys.exit(main(sys.argv[1:], sys.stdout, sys.stderr))


def main(argv: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Run one verb and return its exit code; every known error becomes text on `err`."""
    modules = {name: import_module(f"bongsu.cli.{name}") for name in VERBS}
    parser = _parser(modules)
    try:
        args = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        if not getattr(modules[args.verb], "STANDS_ALONE", False):
            args.root = find_root(args.root)
        return int(modules[args.verb].run(args, out, err))
    except SpecError as error:
        print(render(error.problems, sources_of(error, args.root or Path())), file=err)
        return error.exit_code
    except BongsuError as error:
        print(f"bongsu {args.verb}: {error}", file=err)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"bongsu {args.verb}: interrupted; everything it started is stopped", file=err)
        return INTERRUPTED


def find_root(given: Path | None) -> Path:
    """Return the folder of the manifest: the given one, or the nearest at or above the working directory."""
    if given is not None:
        if not (given / FILE).is_file():
            raise UsageError(f"no {FILE} here", where=str(given), next="pass the folder that holds it as --root")
        return given.resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE).is_file():
            return folder
    raise UsageError(
        f"no {FILE} at or above this folder", where=str(here), next="run from the repository or pass --root"
    )


def sources_of(error: SpecError, root: Path) -> dict[str, str]:
    """Return the text of every file a problem points at, for the carets."""
    texts = {}
    for name in {p.span.file for p in error.problems}:
        path = root / name
        if path.is_file():
            texts[name] = path.read_text(encoding="utf-8", errors="replace")
    return texts


def _parser(modules: dict[str, Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bongsu",
        description="Declare what a system promises, compile it into rules, prove that every alert fires.",
    )
    parser.add_argument("--version", action="version", version=f"bongsu {__version__}")
    parser.add_argument("--root", type=Path, default=None, help=f"folder of {FILE} (default: the nearest above)")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, module in modules.items():
        examples = "\n".join(f"  {line}" for line in module.EXAMPLES)
        child = verbs.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(child)
    return parser


if __name__ == "__main__":
    entry()
