"""`bongsu backtest`: what the burn-rate alerts of an SLO would have said about a month, on a real Prometheus."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bongsu.cli.catalogue import load_catalogue, require_sound
from bongsu.core.diagnostics import has_errors, render
from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.errors import SpecError, UsageError
from bongsu.slo.compile import compile_slo
from bongsu.slo.example import example
from bongsu.slo.incidents.judge import Verdict, episodes, judge
from bongsu.slo.incidents.load import load_incidents, packaged
from bongsu.slo.incidents.model import PAGE, TICKET
from bongsu.slo.incidents.story import events
from bongsu.slo.rules import Alerting, Recording
from bongsu.stack.history import Points, fill, openmetrics, prometheus, query_range

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import TextIO

    from bongsu.core.series import Series
    from bongsu.slo.incidents.judge import Episode
    from bongsu.slo.incidents.model import Incidents
    from bongsu.slo.model import Slo, Tier, Windows
    from bongsu.slo.rules import Links

NAME = "backtest"
HELP = "play a month of labelled incidents, generated or of a real Prometheus, through the burn-rate alerts of an SLO"
EXAMPLES = (
    "bongsu backtest research-assistant-answers-succeed",
    "bongsu backtest research-assistant-answers-succeed --incidents october.yaml --prometheus http://127.0.0.1:9090",
    "bongsu backtest research-assistant-answers-succeed --step 1m    # coarser and faster",
)
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""When generated stories begin; midnight, and long past, so that no block is younger than now."""
_TARGET = (("instance", "generated"), ("job", "backtest"))
_SEVERITIES = {PAGE: "critical", TICKET: "warning"}
_SHORTEST, _LONGEST_STEPS = 1.0, 1_000_000


@dataclass(frozen=True, slots=True)
class Subject:
    """The rules that are played: of one SLO, evaluated every `step` seconds over `span`, seconds since 1970."""

    slo: Slo
    windows: Windows
    records: tuple[Recording, ...]
    alerts: tuple[Alerting, ...]
    span: tuple[float, float]
    step: float


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("slo", help="id of an SLO, <service>-<name>")
    parser.add_argument("--incidents", type=Path, help="labelled incidents (default: the month in the package)")
    parser.add_argument(
        "--prometheus", metavar="URL", help="take the history of this Prometheus (default: generate it)"
    )
    parser.add_argument("--step", default="15s", help="seconds between evaluations, as a duration (default: 15s)")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Print per severity precision and recall, per incident detection and reset; 1 when something was missed."""
    catalogue = require_sound(load_catalogue(args.root), err)
    watched = {slo.id: (slo, windows) for slo, windows in catalogue.slos.watched()}
    if args.slo not in watched:
        raise UsageError(f"no SLO {args.slo}", next=f"known: {', '.join(watched)}")
    routes = catalogue.alerts.routes
    if routes is None:
        raise SpecError(catalogue.problems)
    incidents = _incidents(args.incidents, err)
    if bool(args.prometheus) == bool(incidents.traffic):
        raise UsageError(
            "the incidents and --prometheus do not fit together",
            next="a story with `traffic:` is generated; labels of a real history have none and need --prometheus",
        )
    subject = _subject(*watched[args.slo], routes.links, incidents, _step(args.step))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bongsu-backtest-") as folder:
        fired = asyncio.run(_play(subject, incidents, args.prometheus, Path(folder), err))
    shifted = [(one, [(a - subject.span[0], b - subject.span[0]) for a, b in found]) for one, found in fired]
    verdicts = _verdicts(subject, incidents, shifted if incidents.traffic else fired)
    for line in _report(subject, incidents, verdicts):
        print(line, file=out)
    print(f"took {time.monotonic() - began:.1f} s", file=err)
    return 0 if all(one.recall in (None, 1.0) for one in verdicts) else 1


def _incidents(path: Path | None, err: TextIO) -> Incidents:
    if path is not None and not path.is_file():
        raise UsageError(f"no file {path}", next="see bongsu/slo/incidents/30d.yaml for the form")
    file, text = packaged() if path is None else (str(path), path.read_text(encoding="utf-8"))
    incidents, problems = load_incidents(text, file)
    if has_errors(problems):
        raise SpecError(problems)
    if problems:
        print(render(problems, {file: text}), file=err)
    return incidents


def _step(text: str) -> float:
    try:
        step = parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if step < _SHORTEST:
        raise UsageError(f"--step {text} is below a second", next="rules are evaluated every 15s or so")
    return step


def _subject(slo: Slo, windows: Windows, links: Links, incidents: Incidents, step: float) -> Subject:
    rules = compile_slo(slo, windows, links).rules
    lead = max(tier.long_seconds for tier in windows.tiers)
    if incidents.traffic:
        span = (_BEGIN, _BEGIN + incidents.length - step)
    else:
        if not incidents.incidents:
            raise UsageError("the file labels no incident", next="label what happened, so that alerts can be judged")
        first, last = incidents.incidents[0].start, max(one.end for one in incidents.incidents)
        span = (first - lead, last + max(tier.short_seconds for tier in windows.tiers) * 2)
    if (span[1] - span[0]) / step > _LONGEST_STEPS:
        raise UsageError("that is more than a million evaluations", next="take a larger --step")
    alerts = tuple(rule for rule in rules if isinstance(rule, Alerting) and rule.labels.get("tier"))
    return Subject(slo, windows, tuple(r for r in rules if isinstance(r, Recording))[:2], alerts, span, step)


async def _play(
    subject: Subject, incidents: Incidents, url: str | None, folder: Path, err: TextIO
) -> list[tuple[Tier, list[Episode]]]:
    """Return for each tier when it fired: record the base rates, then ask the alerts' own expressions."""
    if url is None:
        _told(err, f"generating {format_duration(incidents.length)} of events")
        raw = folder / "raw"
        openmetrics(_raw(subject, incidents), folder / "raw.txt")
        await fill(raw, folder / "raw.txt")
        _told(err, "recording what the queries see")
        async with prometheus(raw) as own:
            recorded = [await query_range(own, rule.expr, subject.span, subject.step) for rule in subject.records]
    else:
        _told(err, f"reading the history from {url}")
        recorded = [await query_range(url, rule.expr, subject.span, subject.step) for rule in subject.records]
    if not recorded[1]:
        raise UsageError(
            "the history holds no event of this SLO", next="is it the right Prometheus, and the right time?"
        )
    data = folder / "recorded"
    names = [_name(rule) for rule in subject.records]
    openmetrics(zip(names, recorded, strict=True), folder / "recorded.txt")
    await fill(data, folder / "recorded.txt")
    async with prometheus(data) as own:
        _told(err, f"evaluating {len(subject.alerts)} tiers every {format_duration(subject.step)}")
        asked = [query_range(own, rule.expr, subject.span, subject.step) for rule in subject.alerts]
        answers = await asyncio.gather(*asked)
    return [
        (tier, episodes((at for at, _ in points), subject.step))
        for tier, points in zip(subject.windows.tiers, answers, strict=True)
    ]


def _raw(subject: Subject, incidents: Incidents) -> Iterable[tuple[str, Points]]:
    """Yield the counters of an example of the SLO's queries, growing by the story's events, and their target's `up`."""
    found = example(subject.slo)
    if found is None:
        raise UsageError(
            f"{subject.slo.id}: its queries are not sums of rates, so no series can be made up for them",
            next="backtest it on a real history: --prometheus URL --incidents FILE",
        )
    good, bad = events(incidents, float(subject.slo.budget), subject.step)
    times = (subject.span[0] + subject.step * np.arange(len(good))).tolist()
    for counter in dict.fromkeys((*found.good, *found.bad)):
        counts = np.cumsum(good * (counter in found.good) + bad * (counter in found.bad))
        yield str(_targeted(counter)), list(zip(times, counts.astype(float).tolist(), strict=True))
    labels = ",".join(f'{label}="{value}"' for label, value in _TARGET)
    yield f"up{{{labels}}}", list(zip(times, itertools.repeat(1.0), strict=False))


def _targeted(counter: Series) -> Series:
    own = dict(counter.labels)
    return type(counter)(counter.name, tuple(sorted((dict(_TARGET) | own).items())))


def _name(rule: Recording) -> str:
    labels = ",".join(f'{label}="{value}"' for label, value in rule.labels.items())
    return f"{rule.record}{{{labels}}}"


def _verdicts(subject: Subject, incidents: Incidents, fired: list[tuple[Tier, list[Episode]]]) -> list[Verdict]:
    verdicts = []
    for wanted, severity in _SEVERITIES.items():
        tiers = [tier for tier, _ in fired if tier.severity == severity]
        if not tiers:
            continue
        times = [found for tier, found in fired if tier.severity == severity]
        tail = max(tier.short_seconds + tier.base_seconds for tier in tiers)
        verdicts.append(judge(wanted, _merged(itertools.chain(*times), subject.step), incidents.incidents, tail))
    return verdicts


def _merged(found: Iterable[Episode], step: float) -> list[Episode]:
    """Return the episodes of several tiers as one person sees them: overlapping ones are one."""
    merged: list[Episode] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1] + step:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _report(subject: Subject, incidents: Incidents, verdicts: list[Verdict]) -> Iterable[str]:
    length = format_duration(round(subject.span[1] - subject.span[0] + subject.step))
    yield f"{subject.slo.id}: {length} every {format_duration(subject.step)}, {len(incidents.incidents)} incidents"
    for verdict in verdicts:
        explained = verdict.episodes - len(verdict.false)
        noticed = sum(one.detection is not None for one in verdict.found)
        yield (
            f"{verdict.wanted:<7} recall {_percent(verdict.recall)} ({noticed} of {len(verdict.found)} incidents), "
            f"precision {_percent(verdict.precision)} ({explained} of {verdict.episodes} alerts)"
        )
        for one in verdict.found:
            late = "MISSED" if one.detection is None else f"after {_time(one.detection)}"
            cleared = "" if one.reset is None else f", clear {_time(one.reset)} after its end"
            yield f"  {one.incident.name}: {late}{cleared}"
        for start, end in verdict.false:
            yield f"  false: {_when(start, incidents)}, for {_time(end - start)}"


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{share:.1%}"


def _time(seconds: float) -> str:
    return format_duration(round(seconds))


def _when(at: float, incidents: Incidents) -> str:
    return _time(at) if incidents.traffic else datetime.fromtimestamp(at, UTC).isoformat()


def _told(err: TextIO, what: str) -> None:
    print(f"{what} ...", file=err, flush=True)
