"""Damage files of catalogues in thousands of ways: the compiler must answer each with problems, never with a crash.

Two worlds take turns: the small one of tests/golden (a case takes milliseconds, so most of them) and this repository's
own catalogues, runbooks included. Seeded; `--from` repeats a case. Prints cases, crashes and the slowest; exit 1 on a
crash or on a case over `LIMIT` seconds.
"""

from __future__ import annotations

import argparse
import faulthandler
import shutil
import sys
import tempfile
from pathlib import Path

from bench.support.fuzz import case_of, files_of, play
from tests.golden.scenario import WORLD

ROOT = Path(__file__).parents[1]
FOLDERS = ("slo", "alerts", "dashboards", "runbooks", "chaos/experiments", "chaos/drills")
LIMIT = 10.0
EVERY = 8
"""One case in so many is played in the large world."""


def main(argv: list[str] | None = None) -> int:
    """Play the cases and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    args = parser.parse_args(argv)
    faulthandler.enable()  # a stack overflow in native code leaves no traceback otherwise
    crashes: dict[str, int] = {}
    compiled, slowest = 0, (0.0, 0)
    with tempfile.TemporaryDirectory(prefix="bongsu-fuzz-") as temporary:
        worlds = []
        for name, source in (("small", WORLD), ("own", ROOT)):
            root = Path(temporary) / name
            for folder in FOLDERS:
                if (source / folder).is_dir():
                    shutil.copytree(source / folder, root / folder)
            shutil.copy(source / "bongsu.yaml", root)
            worlds.append((root, {file: (root / file).read_bytes() for file in files_of(root, FOLDERS)}))
        for seed in range(args.first, args.first + args.cases):
            root, texts = worlds[seed % EVERY == 0]
            case = case_of(seed, texts)
            outcome = play(root, case, texts[case.file])
            compiled += outcome.compiled
            slowest = max(slowest, (outcome.seconds, seed))
            if outcome.crash:
                last = outcome.crash.strip().splitlines()[-1]
                crashes[last] = crashes.get(last, 0) + 1
                if crashes[last] == 1:
                    print(f"seed {seed}, {case.file}:\n{outcome.crash}", flush=True)
    print(
        f"{args.cases} cases, {sum(crashes.values())} crashes, {compiled} compiled, "
        f"slowest {slowest[0]:.2f} s (seed {slowest[1]})"
    )
    return 1 if crashes or slowest[0] > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
