"""`bongsu drill NAME`: destroy a system of the drill's own, restore it from one repository and its key, and measure."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import tempfile
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bongsu.chaos import evidence
from bongsu.chaos.adapters.commands import WallClock
from bongsu.chaos.drill import DrillOutcome, run_drill
from bongsu.chaos.drill_record import make_record, summary
from bongsu.chaos.model import Verdict
from bongsu.chaos.ports import DrillWorld
from bongsu.cli.catalogue import Catalogue, load_catalogue, require_sound
from bongsu.cli.drill_plants import PLANTS, MarkerGap, Plant
from bongsu.cli.drill_report import render
from bongsu.cli.proofs import EVIDENCE, digests_of_drill, find_named
from bongsu.cli.prove import interruptible, reporter
from bongsu.cli.victim import MarkerWriter, StackVictim, VictimQuestions
from bongsu.core.artefacts import write_file
from bongsu.core.errors import UsageError
from bongsu.recovery.project import Prediction, Sample, predict
from bongsu.stack.home import fresh_home

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from bongsu.chaos.model import Drill
    from bongsu.stack.home import Home

NAME = "drill"
HELP = (
    "lose both stores and a repository on purpose, restore from the other one, measure RPO and RTO; exit 1 over the bar"
)
EXAMPLES = (
    "bongsu drill both-stores-lost",
    "bongsu drill both-stores-lost --seed 7          # the same random instant again",
    "bongsu drill both-stores-lost --bulk 1GB        # with stores of that size",
    "bongsu drill both-stores-lost --plant flipped-bit   # must fail: proves that the drill can",
)
PREDICTED_BYTES = 500 * 10**9
SAMPLES = "docs/proof/restores.jsonl"
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("drill", help="name of a file in chaos/drills, without .yaml")
    parser.add_argument("--seed", type=int, default=None, help="of the random instant (default: random, printed)")
    parser.add_argument("--bulk", default="", metavar="SIZE", help="fill the stores first, such as 200MB or 1GB")
    parser.add_argument("--lose", default="", metavar="NAME", help="the repository to lose (default: the drill's)")
    parser.add_argument("--evidence", type=Path, default=None, help=f"where evidence goes (default: ROOT/{EVIDENCE})")
    parser.add_argument("--plant", choices=sorted(PLANTS), default="", help="plant a defect that must make it fail")
    parser.add_argument("--keep", action="store_true", help="keep the temporary home, for its logs")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Run one drill, store its evidence and report, print the verdict; exit 0 only for `passed`."""
    catalogue = require_sound(load_catalogue(args.root), err)
    drill = find_named(catalogue.drills, args.drill, "drill", catalogue.manifest.catalogues.drills)
    drill = losing(drill, args.lose, catalogue)
    seed = args.seed if args.seed is not None else secrets.randbelow(10**6)
    report = reporter(out)
    report(f"drill {drill.name}, seed {seed}")
    plant = PLANTS[args.plant]() if args.plant else Plant()
    bulk = parse_size(args.bulk) if args.bulk else 0
    job = _Job(args.root, catalogue, drill, plant, bulk, seed, args.keep)
    outcome = asyncio.run(interruptible(_drill(job, report)))
    versions = {name: version(name) for name in ("bongsu", "langgraph", "chromadb")}
    prediction = predicted(args.root, outcome)
    digests = {drill.name: digests_of_drill(args.root, catalogue, drill)}
    record = make_record(
        drill, outcome, digests, {"seed": seed, "bulk_bytes": bulk, "planted": plant.name, "versions": versions}
    )
    record["prediction"] = _prediction_record(prediction, drill)
    path = evidence.store(args.evidence or args.root / EVIDENCE, record)
    page = path.with_suffix(".html")
    write_file(page, render(record))
    print(summary(record), file=out)
    print(prediction_line(prediction, drill), file=out)
    print(f"evidence: {path}\nreport:   {page}", file=out)
    return 0 if outcome.verdict is Verdict.PASSED else 1


@dataclass(frozen=True, slots=True)
class _Job:
    """Everything one drill needs, as values."""

    root: Path
    catalogue: Catalogue
    drill: Drill
    plant: Plant
    bulk: int
    seed: int
    keep: bool


async def _drill(job: _Job, report: Callable[[str], None]) -> DrillOutcome:
    series = f"drill-{secrets.token_hex(4)}"
    if isinstance(job.plant, MarkerGap):
        job.plant.series = series
    with fresh_home(keep=job.keep) as home, tempfile.TemporaryDirectory(prefix="bongsu-outside-") as outside:
        report(f"starting a system of its own in {home.path}")
        victim = _victim(job, home, Path(outside), report)
        writer = MarkerWriter(victim, series)
        try:
            await victim.start()
            await victim.started()
            world = DrillWorld(WallClock(), victim, writer, VictimQuestions(victim, series))
            return await run_drill(job.drill, world, random.Random(job.seed), report)  # noqa: S311 - an instant, no secret
        finally:
            await writer.stop()
            await victim.close()


def _victim(job: _Job, home: Home, outside: Path, report: Callable[[str], None]) -> StackVictim:
    return StackVictim(
        root=job.root,
        catalogue=job.catalogue,
        drill=job.drill,
        home=home,
        outside=outside,
        plant=job.plant,
        bulk_bytes=job.bulk,
        seed=job.seed,
        report=report,
    )


def losing(drill: Drill, name: str, catalogue: Catalogue) -> Drill:
    """Return the drill with another repository lost; the first of the others is left."""
    if not name or name == drill.lost:
        return drill
    names = [one.name for one in catalogue.manifest.backups.repositories] if catalogue.manifest.backups else []
    if name not in names:
        raise UsageError(f"no repository {name!r}", where="--lose", next=f"one of {', '.join(names)}")
    return replace(drill, lost=name, source=next(one for one in names if one != name))


def parse_size(text: str) -> int:
    """Return the bytes of a size such as 200MB; raise UsageError for anything else."""
    number = text.rstrip("kMGB")
    unit = text[len(number) :]
    if unit not in _UNITS or not number.replace(".", "", 1).isdecimal():
        raise UsageError(f"{text!r} is no size", where="--bulk", next="write 200MB or 1GB")
    return int(float(number) * _UNITS[unit])


def predicted(root: Path, outcome: DrillOutcome) -> Prediction | None:
    """Return what the measured restores, this one included, say about the full size."""
    samples = list(read_samples(root / SAMPLES))
    if outcome.restored is not None and outcome.restored.ok and outcome.rto is not None:
        samples.append(Sample(outcome.restored.bytes, outage_phases(outcome.phases)))
    return predict(samples, PREDICTED_BYTES)


def outage_phases(phases: dict[str, float]) -> dict[str, float]:
    """Return the phases of the outage that do not overlap: the restore by its own phases, then start and answer."""
    own = {name: seconds for name, seconds in phases.items() if name.startswith("restore.")}
    rest = phases.get("restore", 0.0) - sum(own.values())
    return {**own, "restore.rest": max(0.0, rest), **{n: phases[n] for n in ("start", "answer") if n in phases}}


def read_samples(path: Path) -> Iterable[Sample]:
    """Yield the restores that `make proof` measured and committed."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        content = json.loads(line)
        yield Sample(int(content["bytes"]), dict(content["phases"]))


def prediction_line(prediction: Prediction | None, drill: Drill) -> str:
    """Return the prediction in one sentence that calls itself one."""
    size = f"{PREDICTED_BYTES / 1e9:.0f} GB"
    if prediction is None:
        return f"no prediction for {size}: fewer than three restores of different sizes were measured ({SAMPLES})"
    hours, limit = prediction.seconds / 3600, drill.bar.promised_rto / 3600
    verdict = "inside" if prediction.seconds <= drill.bar.promised_rto else "OVER"
    return (
        f"prediction (not a measurement) for {size}: {hours:.1f} h, {verdict} the promised {limit:g} h; the longest "
        f"phase is {prediction.slowest.removeprefix('restore.')}; from {prediction.samples} restores of up to "
        f"{prediction.largest_sample / 1e9:.2f} GB, off by at most {prediction.worst_error:.0%} on those"
    )


def _prediction_record(prediction: Prediction | None, drill: Drill) -> dict[str, Any]:
    if prediction is None:
        return {}
    return {
        "bytes": prediction.bytes,
        "seconds": round(prediction.seconds, 1),
        "phases": {name: round(seconds, 1) for name, seconds in prediction.phases.items()},
        "slowest": prediction.slowest,
        "samples": prediction.samples,
        "largest_sample_bytes": prediction.largest_sample,
        "worst_error": round(prediction.worst_error, 4),
        "promised_rto_seconds": drill.bar.promised_rto,
    }
