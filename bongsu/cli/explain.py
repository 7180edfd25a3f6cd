"""`bongsu explain ALERT`: print the chain spec -> rule -> route -> runbook -> experiment -> panel, with its times."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING

from bongsu.alerts.compile import file_name as alert_file
from bongsu.alerts.timing import AlertTiming, timings
from bongsu.cli.catalogue import PROMETHEUS, RENDERED, Catalogue, compile_all, load_catalogue, require_sound
from bongsu.core.conventions import LABEL_SERVICE, LABEL_TIER, dashboard_uid, panel_id
from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.errors import UsageError
from bongsu.dashboards.resolve import resolve
from bongsu.slo import absence
from bongsu.slo.compile import file_name as slo_file
from bongsu.slo.indicators import reads_native_histograms
from bongsu.slo.model import threshold
from bongsu.slo.timing import detect_seconds, reset_seconds

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence
    from typing import TextIO

    from bongsu.alerts.model import Route
    from bongsu.slo.model import Slo, Tier

NAME = "explain"
HELP = "print where an alert is declared, compiled, routed, answered, proved and drawn, and when it fires and clears"
EXAMPLES = ("bongsu explain AnswersBudgetBurn", "bongsu explain ErrorsHigh --rate 0.2")

SHARES = (1.0, 0.5, 0.1)
NATIVE = "Prometheus 2.40 or later with --enable-feature=native-histograms"
KEEPING = "Prometheus 2.42 or later (keep_firing_for)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("alert", help="name of an alert, for example AvailabilityLow")
    parser.add_argument("--rate", type=float, default=1.0, help="events per second the times assume (default: 1)")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Print the chain of one alert; an unknown name is a usage error that names the nearest one."""
    catalogue = require_sound(load_catalogue(args.root), err)
    known = catalogue.alert_spans()
    if args.alert not in known:
        near = difflib.get_close_matches(args.alert, sorted(known), 1)
        hint = f"did you mean {near[0]}?" if near else f"alerts: {', '.join(sorted(known))}"
        raise UsageError(f"no alert {args.alert!r} is declared", next=hint)
    if not args.rate > 0:
        raise UsageError("--rate must be above 0", next="write the events per second of the system")
    for line in explain(catalogue, args.alert, args.rate):
        print(line, file=out)
    return 0


def explain(catalogue: Catalogue, alert: str, rate: float) -> list[str]:
    """Return the chain as lines of plain text."""
    found = [
        timing
        for timing in timings(catalogue.slos, catalogue.alerts.alerts, factor=1.0, events_per_second=rate)
        if timing.alert == alert
    ]
    told = list(dict.fromkeys((timing.severity, timing.labels[LABEL_SERVICE]) for timing in found))
    chain = [
        ("spec", _spec(catalogue, alert)),
        ("rules", _rules(catalogue, alert)),
        ("needs", _needs(catalogue, alert)),
        ("routes", _routes(catalogue, alert, told)),
        ("runbook", _runbook(catalogue, alert)),
        ("experiment", _experiments(catalogue, alert)),
        ("panel", _panel(catalogue, alert)),
        ("absence", _absence(catalogue, alert)),
    ]
    width = max(len(name) for name, _ in chain) + 2
    lines = [alert]
    for name, rows in chain:
        lines += [f"  {name if i == 0 else '':{width}}{row}" for i, row in enumerate(rows)]
    return [
        *lines,
        f"  times in a total outage at {rate:g} event(s) per second, without scrape, evaluation and delivery",
        *_times(found),
        *_tiers(catalogue, alert),
        *(_reasons(catalogue) if alert == absence.NAME else []),
    ]


def _spec(catalogue: Catalogue, alert: str) -> list[str]:
    span = catalogue.alert_spans()[alert]
    if alert == absence.NAME:
        return [f"{slo.span.file}:{slo.span.line}: {_told(slo)}" for slo in absence.alarmed(catalogue.slos)]
    for slo in catalogue.slos.slos:
        if slo.alert == alert:
            return [f"{span.file}:{span.line}", f"SLO {slo.id}: {slo.objective * 100:g}% over {slo.window}"]
    found = next(one for one in catalogue.alerts.alerts if one.name == alert)
    return [f"{span.file}:{span.line}", f"{found.rule}, watches {found.metric}"]


def _rules(catalogue: Catalogue, alert: str) -> list[str]:
    names = [slo_file(slo) for slo in catalogue.slos.slos if slo.alert == alert]
    names += [slo_file(slo) for slo in absence.alarmed(catalogue.slos) if alert == absence.NAME]
    names += [alert_file(one) for one in catalogue.alerts.alerts if one.name == alert]
    compiled = compile_all(catalogue)
    rows = []
    for name in names:
        text = compiled[f"{PROMETHEUS}/{name}"]
        line = next(i for i, row in enumerate(text.splitlines(), start=1) if row.strip() == f"- alert: {alert}")
        rows.append(f"{RENDERED}/{PROMETHEUS}/{name}:{line}")
        recordings = text.count("- record: ")
        if recordings:
            rows.append(f"{recordings} recording rules before it in the same group")
    return rows


def _needs(catalogue: Catalogue, alert: str) -> list[str]:
    """Return what the rules ask of a Prometheus that not every one has."""
    slos = [slo for slo in catalogue.slos.slos if slo.alert == alert]
    own = [one for one in catalogue.alerts.alerts if one.name == alert]
    queries = [one.text for slo in slos for one in slo.expressions()] + [one.expr.text for one in own]
    rows = [NATIVE] if any(map(reads_native_histograms, queries)) else []
    return [*rows, *([KEEPING] if any(one.keep for one in own) else [])]


def _routes(catalogue: Catalogue, alert: str, told: Iterable[tuple[str, str]]) -> list[str]:
    """Return who hears the alert, by severity and service, and what silences it."""
    routes = catalogue.alerts.routes
    if not routes:
        return []
    rows = []
    for severity, service in told:
        for route in routes.visited(severity, service):
            rows += _heard(route)
        rows += [f"{severity} silences {rule.target}" for rule in routes.inhibitions if rule.source == severity]
    services = {service for _, service in told}
    rows += [
        f"silenced while {', '.join(one.on)} pages"
        for one in routes.dependencies
        if alert in one.alerts or (one.service in services and alert not in one.on)
    ]
    return [*dict.fromkeys(rows), routes.file]


def _heard(route: Route) -> list[str]:
    wait, interval = format_duration(route.group_wait), format_duration(route.group_interval)
    whose = f"{route.severity} of {', '.join(route.services)}" if route.services else route.severity
    times = [f"only in {', '.join(route.active)}"] if route.active else []
    times += [f"never in {', '.join(route.mute)}"] if route.mute else []
    first = (
        f"{whose} -> {route.receiver} ({', '.join(route.channels)}), "
        f"grouped by {', '.join(route.group_by)}, first after {wait}, news every {interval}"
    )
    rows = [", ".join((first, *times))]
    if later := route.escalate:
        after = format_duration(later.after)
        rows.append(f"{whose} -> {later.receiver} ({', '.join(later.channels)}) too, when it lasts {after}")
    return rows


def _runbook(catalogue: Catalogue, alert: str) -> list[str]:
    explicit = {one.name: one.runbook for one in catalogue.alerts.alerts if one.runbook}
    found = [r for r in catalogue.runbooks if (r.file == explicit[alert] if alert in explicit else r.alert == alert)]
    return [f"{r.file} ({r.language}, {r.declares}, {len(r.steps)} executable steps)" for r in found] or ["none"]


def _experiments(catalogue: Catalogue, alert: str) -> list[str]:
    rows = []
    for experiment in catalogue.experiments:
        expected = [str(one) for one in experiment.expects if one.alert == alert]
        if expected:
            rows.append(f"{experiment.name} ({experiment.span.file}:{experiment.span.line}): {'; '.join(expected)}")
            rows.append(f"bongsu prove {experiment.name}")
    return rows or ["none: nobody has seen it fire"]


def _panel(catalogue: Catalogue, alert: str) -> list[str]:
    services = [slo.service for slo in catalogue.slos.slos if slo.alert == alert]
    services += absence.services(catalogue.slos) if alert == absence.NAME else []
    services += [one.service for one in catalogue.alerts.alerts if one.name == alert]
    routes = catalogue.alerts.routes
    for board in (resolve(d, catalogue.slos, catalogue.alerts.alerts) for d in catalogue.dashboards):
        for panel in board.panels():
            if panel.key == alert and board.uid == dashboard_uid(services[0]):
                link = [routes.links.panel(services[0], alert)] if routes else []
                return [f"{panel.title} (dashboard {board.uid}, id {panel_id(alert)})", *link]
    return ["none"]


def _absence(catalogue: Catalogue, alert: str) -> list[str]:
    """Return what tells that an SLO of this alert has no data."""
    slos = [slo for slo in absence.alarmed(catalogue.slos) if slo.alert == alert]
    return [f"{absence.NAME} ({absence.SEVERITY}) of {_told(slo)}" for slo in slos]


def _told(slo: Slo) -> str:
    job = absence.job_of(slo)
    return f"{slo.id}: {', '.join(absence.reasons(slo))}{f', job {job}' if job else ', no known job'}"


def _reasons(catalogue: Catalogue) -> list[str]:
    """Return from when on each reason is told; what an idle system does is none of them."""
    hold, day = absence.HOLD, parse_duration(absence.MISSED)
    told = {reason for slo in absence.alarmed(catalogue.slos) for reason in absence.reasons(slo)}
    since = {
        absence.TARGET_DOWN: (hold, "no instance of the job answers"),
        absence.VANISHED: (day + hold, "the last sample of the events, the job being up"),
        absence.NEVER_BORN: (absence.LOOKS * 3600 + hold, "the SLO and its job are there, and no events ever"),
    }
    rows = [(reason, _time(after), what) for reason, (after, what) in since.items() if reason in told]
    return ["  by reason; an idle system is none of them", *_table([("reason", "fires after", "since"), *rows])]


def _times(found: list[AlertTiming]) -> list[str]:
    head = ("severity", "tier", "windows", "for", "keeps firing", "fires after", "clears within")
    rows = [
        (
            timing.severity,
            timing.labels.get(LABEL_TIER, "-"),
            " ".join(format_duration(window) for window in timing.windows) or "-",
            _time(timing.for_seconds),
            _time(timing.keep_seconds),
            _time(timing.detect_seconds_at_total_outage),
            _time(timing.clear_seconds),
        )
        for timing in found
    ]
    return _table((head, *dict.fromkeys(rows)))


def _tiers(catalogue: Catalogue, alert: str) -> list[str]:
    """Return when the tiers of an SLO fire and clear by the share of bad events; nothing for a threshold alert."""
    lines: list[str] = []
    for slo, windows in catalogue.slos.watched():
        if slo.alert == alert:
            rows = [("tier", "threshold", *(f"{share:.0%} bad" for share in SHARES), "2 x threshold")]
            for tier in windows.tiers:
                limit = float(threshold(tier, slo.objective))
                cells = [_fires(tier, slo, share) for share in (*SHARES, min(1.0, 2 * limit))]
                rows.append((tier.name, f"{limit * 100:.4g}%", *cells))
            lines += ["  fires after / clears within, by the share of bad events after a clean window", *_table(rows)]
    return lines


def _fires(tier: Tier, slo: Slo, share: float) -> str:
    after = detect_seconds(tier, slo.objective, share)
    return "never" if math.isinf(after) else f"{_time(after)} / {_time(reset_seconds(tier, slo.objective, share))}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) + 2 for i in range(len(rows[0]))]
    return [
        "    " + "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _time(seconds: float) -> str:
    if math.isinf(seconds):
        return "never"
    return format_duration(round(seconds)) if seconds >= 1 or not seconds else format_duration(seconds)
