"""Break what is compiled in hundreds of ways: each must turn a promtool or a routing test red.

Factors, windows, selectors and matchers, severities, comparisons, floors, and/or, offsets, labels, record names,
functions, `for` and `keep_firing_for` of the rules; receivers, matchers, grouping, equality and times of the routes.
Annotations are prose and left out. Seeded; `--all` plays every mutation. Prints the share caught and every one that was
not; exit 1 below 100 %.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.support.mutations import Mutation, route_mutations, rule_mutations
from bongsu.cli.catalogue import load_catalogue
from bongsu.cli.replay import replays_of, write_replays
from tests.support.routing import grouping_problems, played_problems

if TYPE_CHECKING:
    from bongsu.core.replay import Replay

ROOT = Path(__file__).parents[1]
RULES = ROOT / "deploy/rendered/prometheus"
CONFIG = ROOT / "deploy/rendered/alertmanager/alertmanager.yml"
TESTS = ROOT / "tests/rules"
COUNT, SEED = 240, 4


def promtool(test: Path) -> bool:
    """Tell whether promtool finds the test red."""
    done = subprocess.run(
        ["promtool", "test", "rules", test.name], cwd=test.parent, capture_output=True, text=True, check=False
    )
    return done.returncode != 0


def replay_caught(mutation: Mutation, replays: dict[str, Replay], folder: Path) -> bool:
    """Tell whether a test that `bongsu replay` writes turns red: first those about the rule, then that of all rules."""
    for replay in replays.values():
        if mutation.old_rule in replay.rules:
            changed = replace(replay, rules=replay.rules.replace(mutation.old_rule, mutation.new_rule))
            write_replays([changed], folder)
            if promtool(folder / f"{replay.name}.test.yml"):
                return True
    return False


def alert_caught(mutation: Mutation, folder: Path) -> bool:
    """Tell whether a hand-written test of a threshold alert turns red; an SLO has none."""
    text = (RULES / mutation.file).read_text(encoding="utf-8")
    (folder / mutation.file).write_text(text.replace(mutation.old_rule, mutation.new_rule), encoding="utf-8")
    name = mutation.file.removeprefix("alerts-").removesuffix(".rules.yml").replace("watchdog", "Watchdog")
    for path in sorted((*TESTS.glob(f"{name}.test.yml"), *TESTS.glob(f"{name}.*.test.yml"))):
        test = path.read_text(encoding="utf-8")
        (folder / "t.test.yml").write_text(test.replace("../../deploy/rendered/prometheus/", ""), encoding="utf-8")
        if promtool(folder / "t.test.yml"):
            return True
    return False


def route_caught(mutation: Mutation, folder: Path) -> bool:
    """Tell whether a routing test turns red, or Alertmanager refuses the configuration."""
    (folder / CONFIG.name).write_text(mutation.new_rule, encoding="utf-8")
    changed = folder / CONFIG.name
    return bool(grouping_problems(changed) or played_problems(changed))


def caught(mutation: Mutation, replays: dict[str, Replay]) -> bool:
    """Play one mutation in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="bongsu-mutation-") as temporary:
        folder = Path(temporary)
        if mutation.file == CONFIG.name:
            return route_caught(mutation, folder)
        return replay_caught(mutation, replays, folder) or alert_caught(mutation, folder)


def every() -> tuple[list[Mutation], list[Mutation]]:
    """Return all mutations, and those that change nothing anybody could see."""
    found = [
        m for path in sorted(RULES.glob("*.rules.yml")) for m in rule_mutations(path.name, path.read_text("utf-8"))
    ]
    found += route_mutations(CONFIG.name, CONFIG.read_text(encoding="utf-8"))
    return [m for m in found if not m.equivalent], [m for m in found if m.equivalent]


def run(argv: list[str]) -> int:
    """Play the mutations, print the share caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="play every mutation instead of a seeded sample")
    parser.add_argument("--only", default="", help="play those whose description holds this text")
    args = parser.parse_args(argv)
    mutations, equivalent = every()
    wanted = [m for m in mutations if args.only in str(m)]
    if not args.all and len(wanted) > COUNT:
        wanted = random.Random(SEED).sample(wanted, COUNT)  # noqa: S311 - a repeatable choice
    replays = {replay.name: replay for replay in replays_of(load_catalogue(ROOT), RULES)[0]}
    began = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(lambda mutation: caught(mutation, replays), wanted))
    missed = [mutation for mutation, found in zip(wanted, verdicts, strict=True) if not found]
    for reason in sorted({m.equivalent for m in equivalent}):
        print(f"left out, {sum(m.equivalent == reason for m in equivalent)}: {reason}")
    for mutation in missed:
        print(f"NOT CAUGHT: {mutation}")
    share = 100 * (len(wanted) - len(missed)) / max(1, len(wanted))
    print(
        f"{len(wanted)} of {len(mutations)} mutations in {time.monotonic() - began:.0f} s: {share:.1f} % caught "
        f"(at least 100): {'FALLS SHORT' if missed else 'ok'}"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
