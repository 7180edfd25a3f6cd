"""Who hears an alert: our simulator against amtool on random configurations, and its times against the calendar.

    python -m bench.routes [CONFIGURATIONS [SEED]]

Each configuration is a random document of kind Routes, loaded and compiled by us. For each, amtool (and amlint, for
comparison) say which receivers an alert reaches. amtool knows no time: whether each route is open at random moments,
around changes of daylight saving time too, is judged by a computation of its own from the declaration alone. Prints the
differences; exit code 1 when there is one.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from calendar import monthrange
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from amlint.routing import Router

from bongsu.alerts.alertmanager import CONFIG, TEMPLATE, compile_alertmanager, compile_template
from bongsu.alerts.load import load
from bongsu.alerts.simulate import visits, why_muted

FILE = "alerts/routes.yaml"
SERVICES = ("shop", "checkout", "research-assistant", "db.main")
SEVERITIES = ("critical", "warning", "info")
ZONES = ("UTC", "Asia/Seoul", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu")
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
ENDPOINTS = {
    "pagerduty_url": "https://events.example.com/v2/enqueue",
    "pagerduty_routing_key_file": "/secrets/key",
    "slack_url_file": "/secrets/slack",
    "slack_channel": "#oncall",
    "smtp_smarthost": "smtp.example.com:587",
    "smtp_from": "a@example.com",
    "smtp_to": "b@example.com",
    "sns_region": "ap-northeast-2",
    "sns_phone_number": "+821000000000",
    "webhooks": {
        "record": "http://127.0.0.1:9/record",
        "note": "http://127.0.0.1:9/note",
        "sms": {"url": "http://127.0.0.1:9/sms", "credentials_file": "/secrets/sms"},
    },
}
CHANNELS = ("pagerduty", "email", "slack", "sns", "record", "note", "sms")
# A spring and an autumn change in New York and Berlin, the half-hour change of Lord Howe, the end of a leap February.
TURNS = tuple(
    datetime(*at, tzinfo=UTC)
    for at in (
        (2027, 3, 14, 7), (2027, 11, 7, 6), (2027, 3, 28, 1), (2027, 10, 31, 1), (2027, 4, 3, 15), (2027, 10, 2, 15),
        (2028, 2, 29, 0), (2026, 12, 31, 15),
    )
)  # fmt: skip
LABEL_SETS, MOMENTS = 1, 12


@dataclass
class Tally:
    """What was compared and what differed."""

    refused: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    amlint: int = 0
    asked: int = 0
    times: int = 0
    muted: int = 0


def declaration(dice: random.Random) -> dict[str, Any]:
    """Return a random document of kind Routes; each receiver is of one route, so that its name tells the route."""
    intervals = [interval(dice, f"i{n}") for n in range(dice.randint(0, 4))]
    routes = [route(dice, n, [one["name"] for one in intervals]) for n in range(dice.randint(1, 9))]
    return {
        "apiVersion": "bongsu/v1",
        "kind": "Routes",
        "links": {"repository": "https://git.example.com", "grafana": "https://grafana.example.com"},
        "default": dice.choice(routes)["receiver"],
        "time_intervals": intervals,
        "routes": routes,
        "inhibitions": [{"source": "critical", "target": "warning", "equal": ["alertname", "service"]}],
        "dependencies": [{"service": "shop", "depends_on": ["db.main", "DbDown"]}] if chance(dice, 0.5) else [],
        "endpoints": ENDPOINTS,
    }


def interval(dice: random.Random, name: str) -> dict[str, Any]:
    """Return a random time interval: each field there or not, some with two ranges."""
    found: dict[str, Any] = {"name": name, "zone": dice.choice(ZONES)}
    if chance(dice, 0.7):
        found["times"] = [clock_range(dice) for _ in range(dice.randint(1, 2))]
    if chance(dice, 0.6):
        found["weekdays"] = [spread(sorted(dice.choices(DAYS, k=2), key=DAYS.index)) for _ in range(dice.randint(1, 2))]
    if chance(dice, 0.4):
        found["months"] = [spread(sorted(dice.choices(MONTHS, k=2), key=MONTHS.index))]
    if chance(dice, 0.4):
        first, last = sorted(dice.choices(range(1, 32), k=2))
        shapes = [f"{first}:{last}", f"-{last}:-{first}", f"{min(first, 13)}:-{min(last, 15)}", str(first), f"-{last}"]
        found["days_of_month"] = [dice.choice(shapes)]
    return found


def chance(dice: random.Random, share: float) -> bool:
    """Return true in this share of all cases."""
    return dice.random() < share


def clock_range(dice: random.Random) -> str:
    """Return a range of times of day, 24:00 included."""
    start, end = sorted(dice.sample(range(0, 24 * 60 + 1, 15), 2))
    return f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"


def spread(pair: list[str]) -> str:
    """Return two words as a range, one word as itself."""
    return pair[0] if pair[0] == pair[1] else ":".join(pair)


def route(dice: random.Random, number: int, intervals: list[str]) -> dict[str, Any]:
    """Return a random route, with services, times and an escalation or without."""
    found: dict[str, Any] = {
        "severity": dice.choice(SEVERITIES),
        "receiver": f"r{number}",
        "channels": dice.sample(CHANNELS, dice.randint(1, 3)),
        "group_by": dice.sample(("service", "alertname", "kind"), dice.randint(1, 2)),
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
    }
    if chance(dice, 0.5):
        found["services"] = dice.sample(SERVICES, dice.randint(1, 3))
    for key in ("active", "mute"):
        if intervals and chance(dice, 0.35):
            found[key] = dice.sample(intervals, dice.randint(1, min(2, len(intervals))))
    if chance(dice, 0.3):
        found["escalate"] = {"after": "30m", "receiver": f"r{number}-late", "channels": ["email"]}
    return found


def label_set(dice: random.Random) -> dict[str, str]:
    """Return the labels of a random alert; some have no severity, no service, or ones that nobody declared."""
    labels = {"alertname": dice.choice(("DbDown", "ErrorsHigh", "X-1"))}
    if chance(dice, 0.95):
        labels["severity"] = dice.choice((*SEVERITIES, *SEVERITIES, "urgent", "Critical"))
    if chance(dice, 0.9):
        labels["service"] = dice.choice((*SERVICES, "dbxmain", "shop2", "checkout "))
    return labels


def is_open(declared: dict[str, Any], receiver: str, moment: datetime) -> bool:
    """Tell from the declaration alone whether the route of a receiver tells anybody at a moment."""
    one = next((r for r in declared["routes"] if r["receiver"] == receiver.removesuffix("-late")), {})
    inside = {interval["name"] for interval in declared["time_intervals"] if lies_in(interval, moment)}
    return not inside & set(one.get("mute", ())) and ("active" not in one or bool(inside & set(one["active"])))


def lies_in(declared: dict[str, Any], moment: datetime) -> bool:
    """Spell each field out as the set of all its values, and look the moment up."""
    there = moment.astimezone(ZoneInfo(declared["zone"]))
    if "times" in declared:
        minutes: set[str] = set()
        for text in declared["times"]:
            at, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
            minutes |= {f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(at, end)}
        if there.strftime("%H:%M") not in minutes:
            return False
    for key, words, mine in (
        ("weekdays", DAYS, there.strftime("%A").lower()),
        ("months", MONTHS, MONTHS[there.month - 1]),
    ):
        if key in declared:
            named: set[str] = set()
            for text in declared[key]:
                ends = text.split(":")
                named |= set(words[words.index(ends[0]) : words.index(ends[-1]) + 1])
            if mine not in named:
                return False
    if "days_of_month" in declared:
        calendar_days = list(range(1, monthrange(there.year, there.month)[1] + 1))
        days: set[int] = set()
        for text in declared["days_of_month"]:
            first, last = (int(part) for part in (text.split(":") * 2)[:2])
            days |= {
                day
                for day in calendar_days
                if day >= (first if first > 0 else len(calendar_days) + 1 + first)
                and day <= (last if last > 0 else len(calendar_days) + 1 + last)
            }
        return there.day in days
    return True


def compare(seed: int, folder: Path, tally: Tally) -> None:
    """Play one configuration."""
    dice = random.Random(seed)  # noqa: S311 - not for secrets
    declared = declaration(dice)
    alerts, problems = load({FILE: json.dumps(declared)})
    if problems or alerts.routes is None:
        tally.refused.append(f"seed {seed}: {problems[0].what if problems else 'nothing'}")
        return
    text = compile_alertmanager(alerts.routes, alerts.routes.endpoints)
    config = yaml.safe_load(text)
    (folder / "templates").mkdir(parents=True)
    (folder / CONFIG).write_text(text, encoding="utf-8")
    (folder / TEMPLATE).write_text(compile_template(FILE), encoding="utf-8")
    router = Router(config["route"])
    for _ in range(LABEL_SETS):
        labels = label_set(dice)
        ours = visits(config, labels)
        named = [visit.receiver for visit in ours]
        said = amtool(folder / CONFIG, labels)
        tally.asked += 1
        if said != ",".join(named):
            tally.differences.append(f"seed {seed} {labels}: amtool {said}, ours {','.join(named)}")
        tally.amlint += [match.receiver for match in router.match(labels)] != named
        for moment in moments(dice):
            for visit in ours:
                tally.times += 1
                open_now = not why_muted(config, visit, moment)
                tally.muted += not open_now
                # The root has no times: it is not the route whose receiver it borrows.
                expected = is_open(declared, visit.receiver, moment) if visit.path else True
                if open_now != expected:
                    tally.differences.append(f"seed {seed} {visit.receiver} at {moment}: ours {open_now}")


def moments(dice: random.Random) -> list[datetime]:
    """Return random moments, a third of them within two hours of a turn of the calendar."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    far = [start + timedelta(minutes=dice.randrange(4 * 366 * 24 * 60)) for _ in range(MOMENTS * 2 // 3)]
    return far + [dice.choice(TURNS) + timedelta(minutes=dice.randint(-120, 120)) for _ in range(MOMENTS // 3)]


def amtool(config: Path, labels: dict[str, str]) -> str:
    """Return the receivers amtool names; what it refuses is said, and so differs."""
    words = [f"{name}={json.dumps(value)}" for name, value in labels.items()]
    argv = ["amtool", "config", "routes", "test", f"--config.file={config}", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else f"refused: {done.stderr.strip()}"


def run(configurations: int = 1000, seed: int = 1) -> Tally:
    """Compare that many random configurations; the same seed gives the same ones."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="bongsu-routes-") as temporary:
        folder = Path(temporary)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(lambda n: compare(n, folder / str(n), tally), range(seed, seed + configurations)))
    return tally


def main() -> int:
    """Print the figures; 1 when anything differs or nothing was compared."""
    numbers = [int(word) for word in sys.argv[1:3]]
    began = time.monotonic()
    tally = run(*numbers)
    for line in (*tally.refused, *tally.differences)[:20]:
        print(line)
    print(
        f"{tally.asked} label sets against amtool, {tally.times} routes at moments against the calendar "
        f"({tally.muted} muted), {time.monotonic() - began:.0f} s: {len(tally.differences)} differences, "
        f"{len(tally.refused)} configurations refused; amlint differs {tally.amlint} times and knows no time"
    )
    return 1 if tally.differences or tally.refused or not (tally.asked and tally.muted) else 0


if __name__ == "__main__":
    sys.exit(main())
