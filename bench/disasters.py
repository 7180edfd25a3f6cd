"""Destroy and restore many times: `python -m bench.disasters [--rounds 20 --bulk 3 --samples FILE]`.

Each round is `bongsu drill both-stores-lost` with a seed of its own; the repository that is lost alternates, and the
first `--bulk` rounds fill the stores with 1 GB before. Prints a line per disaster and the figures, read from evidence;
exits 1 when one disaster is not restored or a figure is over its bar. `--samples` writes what each restore took, from
which the drill predicts other sizes.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DRILL = "both-stores-lost"
BULK = "1GB"
RPO_DATABASE, RPO_JOINT = 5.0, 60.0
RTO_FIXED, RTO_PER_GB = 20.0, 5.0
REPOSITORIES = ("a", "b")


def disaster(seed: int, lose: str, bulk: str, folder: Path) -> dict[str, Any]:
    """Run one drill and return its evidence."""
    argv = [str(ROOT / ".venv/bin/bongsu"), "drill", DRILL, "--seed", str(seed), "--lose", lose]
    argv += ["--evidence", str(folder), *(["--bulk", bulk] if bulk else [])]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    stored = sorted((folder / DRILL).glob("*.json"))
    if not stored:
        raise SystemExit(done.stdout + done.stderr)
    return dict(json.loads(stored[-1].read_text(encoding="utf-8")))


def allowed(record: dict[str, Any]) -> float:
    """Return the seconds that a restore of its size may take."""
    return RTO_FIXED + RTO_PER_GB * float(record["restored_bytes"]) / 1e9


def line(number: int, record: dict[str, Any]) -> str:
    """Return one disaster in one line."""
    head = f"{number:>3}  seed {record['seed']:<7} lost {record['lost']}  {record['verdict']:<14}"
    if record["verdict"] != "passed":
        return f"{head} {record['reason']}"
    rpo = record["rpo_seconds"]
    return (
        f"{head} {record['restored_bytes'] / 1e9:6.3f} GB  RPO {rpo['database']:.1f} / {rpo['joint']:.1f} s  "
        f"RTO {record['rto_seconds']:5.1f} s of {allowed(record):4.1f}"
    )


def figures(records: list[dict[str, Any]]) -> tuple[list[str], bool]:
    """Return the figures in words and whether all of them hold."""
    passed = [record for record in records if record["verdict"] == "passed"]
    large = [record for record in passed if record["bulk_bytes"]]
    if not passed:
        return ["nothing was restored"], False
    database = max(record["rpo_seconds"]["database"] for record in passed)
    joint = max(record["rpo_seconds"]["joint"] for record in passed)
    share = max(record["rto_seconds"] / allowed(record) for record in passed)
    slowest = max(record["rto_seconds"] for record in passed)
    words = [
        f"restored and audited: {len(passed)} of {len(records)}, {len(large)} of them filled with {BULK} first",
        f"worst RPO: database {database:.2f} s (bar {RPO_DATABASE:g} s), joint {joint:.2f} s (bar {RPO_JOINT:g} s)",
        f"RTO: slowest {slowest:.1f} s; at most {share:.0%} of {RTO_FIXED:g} s + {RTO_PER_GB:g} s/GB",
    ]
    holds = len(passed) == len(records) and database <= RPO_DATABASE and joint <= RPO_JOINT and share <= 1.0
    return words, holds


def sample(record: dict[str, Any]) -> str:
    """Return what the drill reads again for its prediction: the phases of the outage that do not overlap."""
    phases = record["phases"]
    own = {name: seconds for name, seconds in phases.items() if name.startswith("restore.")}
    rest = max(0.0, phases["restore"] - sum(own.values()))
    kept = {**own, "restore.rest": round(rest, 3), "start": phases["start"], "answer": phases["answer"]}
    return json.dumps({"bytes": record["restored_bytes"], "phases": kept})


def main() -> int:
    """Destroy, restore, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bulk", type=int, default=0, help="so many of the rounds with stores of 1 GB")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--samples", type=Path, default=None)
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    chance = random.Random(args.seed)  # noqa: S311 - instants, no secrets
    records: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bongsu-disasters-") as folder:
        for number in range(1, args.rounds + 1):
            bulk = BULK if number <= args.bulk else ""
            records.append(disaster(chance.randrange(10**6), REPOSITORIES[number % 2], bulk, Path(folder)))
            print(line(number, records[-1]), flush=True)
    words, holds = figures(records)
    print("\n".join(words))
    if args.samples and holds:
        args.samples.write_text("".join(f"{sample(record)}\n" for record in records), encoding="utf-8")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
