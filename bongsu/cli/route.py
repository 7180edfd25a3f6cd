"""`bongsu route LABELS --at TIME`: print who hears such an alert, when, why not, and what would silence it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

import yaml

from bongsu.alerts.alertmanager import compile_alertmanager
from bongsu.alerts.simulate import Visit, silences, silencing, visits, why_muted
from bongsu.cli.catalogue import load_catalogue, require_sound
from bongsu.core.conventions import LABEL_ALERT, LABEL_SERVICE, LABEL_SEVERITY
from bongsu.core.errors import UsageError
from bongsu.slo import absence

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping
    from typing import TextIO

    from bongsu.cli.catalogue import Catalogue

NAME = "route"
HELP = "print who hears an alert with these labels at a moment, why somebody does not, and what would silence it"
EXAMPLES = (
    "bongsu route severity=critical service=research-assistant alertname=AvailabilityLow",
    "bongsu route severity=warning --at '2026-12-24T03:00 Asia/Seoul'",
)
_LABEL = re.compile(r"^([a-zA-Z_][a-zA-Z0-9_]*)=(.*)$", re.DOTALL)
_DEFAULT_ZONE = "UTC"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("labels", nargs="+", metavar="LABEL=VALUE", help="the labels of the alert")
    parser.add_argument("--at", default="", metavar="TIME", help="like '2026-12-24T03:00 Asia/Seoul' (default: now)")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Print the answer; 1 when nobody hears the alert at that moment."""
    labels = read_labels(args.labels)
    moment = read_moment(args.at) if args.at else datetime.now(UTC)
    catalogue = require_sound(load_catalogue(args.root), err)
    lines, heard = route(catalogue, labels, moment)
    for line in lines:
        print(line, file=out)
    return 0 if heard else 1


def read_labels(words: Iterable[str]) -> dict[str, str]:
    """Return `name=value` words as a mapping; raise UsageError for another form or a name given twice."""
    labels: dict[str, str] = {}
    for word in words:
        found = _LABEL.match(word)
        if not found:
            raise UsageError(f"{word!r} is no label", next="write it like severity=critical")
        if found[1] in labels:
            raise UsageError(f"the label {found[1]} is given twice", next="an alert has one value for each label")
        labels[found[1]] = found[2]
    return labels


def read_moment(text: str) -> datetime:
    """Return the aware moment of `2026-12-24T03:00 Asia/Seoul`, or of an ISO time with an offset; without both UTC."""
    when, _, zone = text.strip().partition(" ")
    try:
        moment = datetime.fromisoformat(when)
    except ValueError as error:
        raise UsageError(f"--at: {when!r} is no time", next="write it like '2026-12-24T03:00 Asia/Seoul'") from error
    if zone and zone not in available_timezones():
        raise UsageError(f"--at: no time zone {zone!r}", next="write an IANA name such as Asia/Seoul")
    if zone and moment.tzinfo is not None:
        raise UsageError("--at: both an offset and a time zone", next="write one of them")
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone or _DEFAULT_ZONE))


def route(catalogue: Catalogue, labels: Mapping[str, str], moment: datetime) -> tuple[list[str], bool]:
    """Return the answer as lines, and whether anybody hears the alert."""
    routes = catalogue.alerts.routes
    if routes is None:
        return ["no routes are declared"], False
    config: dict[str, Any] = yaml.safe_load(compile_alertmanager(routes, routes.endpoints))
    shown = ", ".join(f"{name}={value}" for name, value in labels.items())
    lines = [f"an alert with {shown}", f"at {moment:%a %Y-%m-%d %H:%M} {moment.tzinfo}"]
    heard = False
    for visit in visits(config, labels):
        muted = why_muted(config, visit, moment)
        heard = heard or not muted
        lines += _said(config, visit, labels, muted)
    return [*lines, *_silencers(catalogue, config, labels)], heard


def _said(config: Mapping[str, Any], visit: Visit, labels: Mapping[str, str], muted: str) -> list[str]:
    receiver = next(one for one in config["receivers"] if one["name"] == visit.receiver)
    channels = [key.removesuffix("_configs") for key in receiver if key != "name" for _ in receiver[key]]
    group = ", ".join(f"{name}={labels.get(name, '')}" for name in visit.group_by) or "all in one"
    why = f"route {'.'.join(str(place + 1) for place in visit.path)}: {', '.join(visit.matchers)}"
    times = [f"active in {', '.join(visit.active)}"] if visit.active else []
    times += [f"muted in {', '.join(visit.mute)}"] if visit.mute else []
    timing = f"first after {visit.group_wait}, news every {visit.group_interval}, again every {visit.repeat_interval}"
    return [
        f"  {'hears it' if not muted else 'does not'}: {visit.receiver} ({', '.join(channels)})",
        f"    {why if visit.path else 'no route matches: this is the default receiver'}",
        f"    one notification for {group}; {timing}",
        f"    {muted or ('; '.join(times) + ': now open' if times else 'at all times')}",
    ]


def _silencers(catalogue: Catalogue, config: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """Return, for each inhibition that has this alert as target, the declared alerts that would be its source."""
    lines = []
    for rule in silencing(config, labels):
        names = []
        for alert, service, severities in _declared(catalogue):
            for severity in severities:
                # Labels other than these three come with the moment: they are taken to agree, and named as a condition.
                known = {LABEL_ALERT: alert, LABEL_SERVICE: service, LABEL_SEVERITY: severity}
                source = {name: labels[name] for name in rule["equal"] if name in labels} | known
                if known.items() <= labels.items():
                    continue
                if silences(rule, source, {**labels}):
                    names.append(f"{alert} ({severity}, {service})")
        same = [name for name in rule["equal"] if name not in (LABEL_ALERT, LABEL_SERVICE)]
        condition = f" with the same {', '.join(same)}" if same else ""
        lines += [f"  silenced while one of these fires{condition}: {'; '.join(sorted(set(names)))}"] if names else []
    return lines or ["  silenced by no other alert"]


def _declared(catalogue: Catalogue) -> list[tuple[str, str, tuple[str, ...]]]:
    found = [(one.name, one.service, tuple(level.severity for level in one.levels)) for one in catalogue.alerts.alerts]
    burns = [
        (slo.alert, slo.service, [tier.severity for tier in catalogue.slos.tiers(slo)]) for slo in catalogue.slos.slos
    ]
    burns += [(absence.NAME, service, [absence.SEVERITY]) for service in absence.services(catalogue.slos)]
    return found + [(alert, service, tuple(dict.fromkeys(severities))) for alert, service, severities in burns]
