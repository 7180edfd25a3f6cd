"""`bongsu prove EXPERIMENT`: break the system in a home of its own and prove that its alerts fire, arrive and clear."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from bongsu.alerts.timing import timings
from bongsu.chaos import evidence
from bongsu.chaos.adapters.commands import ManifestHands, ManifestTraffic, WallClock
from bongsu.chaos.adapters.faultline import ProxyFaultLine
from bongsu.chaos.adapters.faultproxy import FaultProxyClient
from bongsu.chaos.adapters.observers import AlertmanagerRouter, PrometheusMetrics, ReceiverInbox
from bongsu.chaos.fingerprint import fingerprint
from bongsu.chaos.model import Verdict
from bongsu.chaos.plan import make_plan
from bongsu.chaos.planted import PLANTS, Planted
from bongsu.chaos.ports import World
from bongsu.chaos.run import Outcome, run_experiment
from bongsu.chaos.steps import make_steps
from bongsu.cli.catalogue import Catalogue, compile_all, load_catalogue, require_sound
from bongsu.cli.proofs import EVIDENCE, digests_of, find_experiment, find_runbook
from bongsu.stack.home import fresh_home
from bongsu.stack.options import StackOptions
from bongsu.stack.run import running_stack

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import TextIO

    from bongsu.alerts.model import Endpoints
    from bongsu.chaos.model import Experiment
    from bongsu.chaos.plan import Plan
    from bongsu.chaos.run import Steps
    from bongsu.stack.run import Stack
    from bongsu.stack.supervisor import Step

NAME = "prove"
HELP = "break the system on purpose and prove that its alerts fire, are delivered, are healed by the runbook and clear"
EXAMPLES = (
    "bongsu prove openai-errors",
    "bongsu prove openai-errors --evidence /srv/evidence",
    "bongsu prove openai-errors --plant drop-notifications   # must fail: proves that the proof can",
)
HTTP_SECONDS = 8.0
EVALUATIONS = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("experiment", help="name of a file in chaos/experiments, without .yaml")
    parser.add_argument("--evidence", type=Path, default=None, help=f"where evidence goes (default: ROOT/{EVIDENCE})")
    parser.add_argument("--plant", choices=sorted(PLANTS), default="", help="plant a defect that must make it fail")
    parser.add_argument("--keep", action="store_true", help="keep the temporary home, for its logs")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Run one experiment, store its evidence, print the verdict; exit 0 only for `passed`."""
    catalogue = require_sound(load_catalogue(args.root), err)
    experiment = find_experiment(catalogue, args.experiment)
    planted = PLANTS[args.plant] if args.plant else Planted()
    plan = _plan(catalogue, experiment)
    steps = planted.steps(make_steps(find_runbook(catalogue, experiment.runbook), experiment.factor))
    report = reporter(out)
    job = Job(args.root, catalogue, plan, steps, planted, args.keep)
    outcome, ledger = asyncio.run(interruptible(_prove(job, report)))
    versions = {name: version(name) for name in ("bongsu", "openai", "langgraph", "chromadb")}
    around = evidence.Circumstances(ledger, planted.name, versions)
    record = evidence.make_record(plan, outcome, digests_of(args.root, catalogue, experiment), around)
    path = evidence.store(args.evidence or args.root / EVIDENCE, record)
    print(summary(record), file=out)
    print(f"evidence: {path}", file=out)
    return 0 if outcome.verdict is Verdict.PASSED else 1


def _plan(catalogue: Catalogue, experiment: Experiment) -> Plan:
    found = timings(
        catalogue.slos, catalogue.alerts.alerts, factor=experiment.factor, events_per_second=experiment.rate
    )
    routes = catalogue.alerts.routes
    waits = [route.group_wait / experiment.factor for route in routes.routes] if routes else [0.0]
    return make_plan(experiment, found, pipeline=experiment.scrape * (1 + EVALUATIONS) + max(waits))


@dataclass(frozen=True, slots=True)
class Job:
    """Everything one proof needs, as values."""

    root: Path
    catalogue: Catalogue
    plan: Plan
    steps: Steps
    planted: Planted
    keep: bool


async def _prove(job: Job, report: Callable[[str], None]) -> tuple[Outcome, list[dict[str, Any]]]:
    experiment, catalogue = job.plan.experiment, job.catalogue
    options = StackOptions(
        factor=experiment.factor,
        scrape_seconds=experiment.scrape,
        proxy_upstreams=(experiment.fault.upstream,),
        pass_through=job.planted.pass_through,
        receiver_drop=job.planted.receiver_drop,
        ignore_environment_urls=True,
        watch_machine=False,
        backups=False,
        watch=False,
    )

    def compiled(endpoints: Endpoints) -> dict[str, str]:
        return compile_all(catalogue, endpoints, experiment.factor)

    with fresh_home(keep=job.keep) as home:
        report(f"starting a stack of its own in {home.path}; time runs {experiment.factor:g} times as fast")
        async with (
            running_stack(
                catalogue.manifest, job.root, home, options, compiled, report=lambda step: _tell(step, report)
            ) as stack,
            httpx.AsyncClient(timeout=HTTP_SECONDS, trust_env=False) as client,
        ):
            world = job.planted.world(_world(job, stack, client))
            outcome = await run_experiment(job.plan, world, job.steps, fingerprint, report)
            return outcome, evidence.read_ledger(Path(stack.urls[f"{experiment.fault.upstream}.ledger"]))


def _world(job: Job, stack: Stack, client: httpx.AsyncClient) -> World:
    experiment, manifest, urls = job.plan.experiment, job.catalogue.manifest, stack.urls
    upstream = experiment.fault.upstream
    proxy = httpx.URL(urls[upstream])
    key = next(Path(stack.env[s.env]).read_text().strip() for s in manifest.secrets if s.name == "openai-key")
    line = ProxyFaultLine(
        FaultProxyClient(Path(urls[f"{upstream}.socket"])),
        client,
        f"{proxy.scheme}://{proxy.netloc.decode()}",
        experiment.direct,
        key,
    )
    return World(
        WallClock(),
        PrometheusMetrics(client, urls["prometheus"]),
        AlertmanagerRouter(client, urls["alertmanager"]),
        ReceiverInbox(client, urls["receiver"]),
        line,
        ManifestTraffic(manifest, stack.env, str(job.root)),
        ManifestHands(manifest, stack.env, str(job.root)),
    )


async def interruptible(work: Any) -> Any:
    """Run to the end; SIGINT and SIGTERM cancel the work, which undoes what it did and stops its stack."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def reporter(out: TextIO) -> Callable[[str], None]:
    """Return a function that prints a line with the seconds since now."""
    started = time.monotonic()

    def report(line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            print(f"[{time.monotonic() - started:6.1f} s] {line}", file=out, flush=True)

    return report


def _tell(step: Step, report: Callable[[str], None]) -> None:
    """Report what the supervisor did; that something starts is said by its being ready."""
    if step.phase != "starting":
        report(f"{step.phase} {step.name} {step.detail}".rstrip())


def summary(record: dict[str, Any]) -> str:
    """Return what a person wants to know of a record, times in seconds since the fault."""
    lines = [f"{record['experiment']}: {record['verdict']}: {record['reason']}"]
    start = record["times"]["injected"]
    if start is None:
        return lines[0]

    def since(at: float | None) -> str:
        return "never" if at is None else f"+{at - start:.1f} s"

    lines += [
        f"  {alert['alert']}: firing {since(alert['firing'])} (ideal +{alert['ideal_fire_seconds']:.1f} s, limit "
        f"+{alert['fire_within_seconds']:.1f} s), delivered {since(alert['delivered'])}, "
        f"cleared {since(alert['cleared'])}"
        for alert in record["alerts"]
    ]
    times = record["times"]
    lines.append(
        f"  runbook {since(times['runbook_started'])} to {since(times['runbook_ended'])}, "
        f"undone {since(times['undone'])}, {record['fault_hits']} request(s) hit the fault"
    )
    lines.append(f"  dedup keys {len(record['dedup_keys'])}, deliveries {record['deliveries']}, runs {record['runs']}")
    lines.extend(f"  not covered: {name}" for name in record["not_covered"])
    return "\n".join(lines)
