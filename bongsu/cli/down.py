"""`bongsu down`: stop everything that `bongsu up` started in a home, also when its supervisor was killed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.stack.home import DEFAULT, read_home
from bongsu.stack.stop import stop_home

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from bongsu.stack.supervisor import Step

NAME = "down"
HELP = "stop everything that `bongsu up` started; the home stays"
EXAMPLES = ("bongsu down", "bongsu down --home /srv/bongsu")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("--home", type=Path, default=None, help=f"folder of all state (default: ROOT/{DEFAULT})")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:  # noqa: ARG001 - the seam of all verbs
    """Stop the stack and return 0 when no process of it is left, also when none was there."""
    path: Path = args.home or args.root / DEFAULT
    if not path.exists():
        print("nothing runs: there is no home", file=out)
        return 0

    def report(step: Step) -> None:
        print(f"  {step.name:<20}{step.phase:<9}{step.detail}".rstrip(), file=out)

    home = read_home(path)
    ran = stop_home(home, report)
    print(f"no process of {home.path} is left" if ran else "nothing runs", file=out)
    return 0
