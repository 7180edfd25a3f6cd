"""Write the promtool test of what an SLO records about its events: shares, burn rates and metadata."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.durations import format_duration, parse_duration
from bongsu.slo.model import decimal_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.slo.model import Slo, Windows

BAD, TOTAL = "bad", "total"
_HOUR, _DAY = 3600.0, 86400.0
_FINE = 3 * _DAY
"""Up to here a period is the sum of base rates, above of hourly ones."""
_GRID = 600
_ASIDE = 20
_ROUND = 1e6
_PER_UNIT, _PER_HOURLY = 250_000, 10**9
"""Events are so rare that even all of a period are few: a rule that asks for more than any is not satisfied."""


def ids(slo: Slo) -> dict[str, str]:
    """Return the labels that name an SLO on each of its series."""
    ours = {names.LABEL_SLO_ID: slo.id, names.LABEL_SLO_SERVICE: slo.service, names.LABEL_SLO_NAME: slo.name}
    return {**slo.labels, **ours}


def selector(record: str, labels: Mapping[str, str]) -> str:
    """Return a series in PromQL."""
    return record + "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def shares_test(slo: Slo, windows: Windows, factor: float) -> dict[str, object]:
    """Return the test of everything derived from the base rates: nothing at first, then two whole windows' worth.

    Each window holds one sample that it would miss were it one sample shorter, and the sample before that is one which
    it would see were it longer.
    """
    period, base = parse_duration(windows.period), parse_duration(windows.base)
    # Hours are read at whole hours, days at multiples of the base window: samples lie at all of them.
    grid = _GRID if period > _FINE else math.gcd(_GRID, round(base))
    hours = math.ceil(period / _HOUR) + 2
    now = hours * round(_HOUR / grid)
    fine = [(0, 0)] * (now + 1)
    for back in range(now if period <= _FINE else 2 * round(_HOUR / grid)):
        fine[now - back] = _pattern(back, (round(base / grid), round(_HOUR / grid), round(period / grid)))
    hourly = [_pattern(back, (round(period / _HOUR),)) for back in range(hours)][::-1]
    end = now * grid + grid / _ASIDE
    series = [
        {"series": selector(record, events_of(slo, kind)), "values": values}
        for i, kind in enumerate((BAD, TOTAL))
        for record, values in (
            (names.events_record(windows.base), _fine_text(fine, i)),
            (names.events_record("1h"), _hourly_text(hourly, i, round(_HOUR / grid))),
        )
    ]
    series += _other(slo, windows, now)
    everything = _all(slo, windows, fine, hourly, grid)
    records = tuple(record for record, _, _ in everything)
    if windows.calendar:
        # promtool's clock begins in 1970, before any window of the calendar: what is left of it is absent, not wrong.
        window = {names.SLO_PERIOD_BURN_RATE, names.SLO_BUDGET_REMAINING, names.sli_record(windows.budget)}
        everything = [one for one in everything if one[0] not in window]
    return {
        "evaluation_interval": format_duration(end / factor),
        "tests": [
            {
                "name": f"{slo.id}: shares, burn rates and metadata",
                "interval": format_duration(grid / factor),
                "input_series": series,
                "promql_expr_test": [
                    asked("nothing happened yet", 0, _facts(slo, windows), records),
                    asked("each window counts what is in it", end / factor, everything, records),
                ],
            }
        ],
    }


def _other(slo: Slo, windows: Windows, now: int) -> list[dict[str, str]]:
    """Return what another SLO records at the end: none of it may be taken for this one's."""
    labels = ids(slo) | {names.LABEL_SLO_ID: other(slo)}
    window = labels | {names.LABEL_SLO_WINDOW: windows.budget}
    found = [
        (names.events_record(w), labels | {names.LABEL_EVENTS: k}) for w in (windows.base, "1h") for k in (BAD, TOTAL)
    ]
    found += [(names.SLO_ERROR_BUDGET, labels), (names.SLO_PERIOD_BURN_RATE, window)]
    return [{"series": selector(record, its), "values": f"_x{now} 1"} for record, its in found]


def other(slo: Slo) -> str:
    """Return the id of an SLO that is none: its name begins like that of this one."""
    return f"{slo.id}-other"


def _pattern(back: int, windows: Iterable[int]) -> tuple[int, int]:
    """Return bad and all events of the sample so far back: uneven, and a lot at the edges of each window."""
    lot = sum(1000 * (back == window - 1) + 5000 * (back == window) for window in windows)
    return 1 + back % 5 + lot, 20_000 + 10 * back


def _fine_text(samples: list[tuple[int, int]], kind: int) -> str:
    """Return the samples, with a gap where nothing is read; the first one is 0, at which nothing happened yet."""
    quiet = next((i for i, sample in enumerate(samples) if sample[1]), len(samples))
    gap = [f"_x{quiet - 1}"] if quiet > 1 else []
    return " ".join(["0", *gap, *(repr(sample[kind] / _PER_UNIT) for sample in samples[quiet:])])


def _hourly_text(samples: list[tuple[int, int]], kind: int, grid: int) -> str:
    """Return the samples, one at each whole hour from the first hour on: that of time 0 is for the rule to record."""
    gap = f" _x{grid - 1}" if grid > 1 else ""
    return f"_x{grid} " + " ".join(f"{sample[kind] / _PER_HOURLY!r}{gap}" for sample in samples)


def _facts(slo: Slo, windows: Windows) -> list[tuple[str, dict[str, str], float]]:
    """Return what is so even when nothing happens: the events, which are 0, and the metadata."""
    objective, percent = 1 - slo.budget, decimal_text((1 - slo.budget) * 100)
    about = {"sloth_mode": "bongsu", "sloth_objective": percent, "sloth_spec": slo.spec}
    days = Decimal(repr(parse_duration(windows.period) / _DAY))
    return [
        *((names.events_record(w), events_of(slo, kind), 0.0) for w in (windows.base, "1h") for kind in (BAD, TOTAL)),
        (names.SLO_OBJECTIVE, ids(slo), float(objective)),
        (names.SLO_ERROR_BUDGET, ids(slo), float(slo.budget)),
        (names.SLO_PERIOD_DAYS, ids(slo), float(days)),
        (names.SLO_INFO, ids(slo) | about, 1.0),
    ]


def _all(
    slo: Slo, windows: Windows, fine: list[tuple[int, int]], hourly: list[tuple[int, int]], grid: int
) -> list[tuple[str, dict[str, str], float]]:
    """Return what every recording must be at the end."""
    base, period = parse_duration(windows.base), parse_duration(windows.period)
    last_hour = fine[-round(_HOUR / grid) :]
    step = max(1, round(base / grid))
    counted = hourly[-round(period / _HOUR) :] if period > _FINE else fine[-round(period / grid) :][step - 1 :: step]
    shares = {windows.base: _share(fine[-1:]), windows.budget: _share(counted)}
    budget = float(slo.budget)
    spent = shares[windows.budget] / budget
    hour = {BAD: _mean(last_hour, 0), TOTAL: _mean(last_hour, 1)}
    return [
        *_facts(slo, windows)[4:],
        *(
            (names.events_record(windows.base), events_of(slo, kind), fine[-1][i] / _PER_UNIT)
            for i, kind in enumerate((BAD, TOTAL))
        ),
        *((names.events_record("1h"), events_of(slo, kind), hour[kind]) for kind in (BAD, TOTAL)),
        *(
            (names.sli_record(window), ids(slo) | {names.LABEL_SLO_WINDOW: window}, share)
            for window, share in shares.items()
        ),
        (names.SLO_CURRENT_BURN_RATE, ids(slo) | {names.LABEL_SLO_WINDOW: windows.base}, shares[windows.base] / budget),
        (names.SLO_PERIOD_BURN_RATE, ids(slo) | {names.LABEL_SLO_WINDOW: windows.budget}, spent),
        (names.SLO_BUDGET_REMAINING, ids(slo) | {names.LABEL_SLO_WINDOW: windows.budget}, 1 - spent),
    ]


def _share(samples: list[tuple[int, int]]) -> float:
    return sum(bad for bad, _ in samples) / sum(total for _, total in samples)


def _mean(samples: list[tuple[int, int]], kind: int) -> float:
    return sum(sample[kind] for sample in samples) / len(samples) / _PER_UNIT


def events_of(slo: Slo, kind: str) -> dict[str, str]:
    """Return the labels of an SLO's recorded events of one kind."""
    return ids(slo) | {names.LABEL_EVENTS: kind}


def asked(
    name: str, at: float, expected: list[tuple[str, dict[str, str], float]], records: tuple[str, ...]
) -> dict[str, object]:
    """Return a question for every series of these records, rounded; only a label survives rounding, a name does not."""
    mine = f'{{__name__=~"{"|".join(dict.fromkeys(records))}", {names.LABEL_SLO_ID}!~".*-other"}}'
    named = f'label_replace({mine}, "record", "$1", "__name__", "(.+)")'
    return {
        "expr": f"round({named}, {1 / _ROUND}) # {name}",
        "eval_time": format_duration(at),
        "exp_samples": [
            {"labels": selector("", {"record": record} | labels), "value": _rounded(value)}
            for record, labels, value in expected
        ],
    }


def _rounded(value: float) -> float:
    """Return what PromQL's round() makes of it."""
    return math.floor(value * _ROUND + 0.5) / _ROUND
