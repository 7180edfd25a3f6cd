"""The 30-day budget against true counts, ours and Sloth's beside it, on a real Prometheus.

Five histories of 31 days whose every event is counted (bench/support/truths.py), scraped each minute.
The rules are played in order as Prometheus would evaluate them: those that read the system each minute (query_range),
what they record is loaded as blocks, then those that read that.
Sloth's period ratio averages its recorded ratios, so it needs only those.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.support.figures import Figures
from bench.support.history import compiled, sloth
from bench.support.truths import MINUTE, PER_DAY, History, histories
from bongsu.core.conventions import events_record, sli_record
from bongsu.slo.rules import Recording
from bongsu.stack.history import Points, fill, openmetrics, prometheus, query_range

if TYPE_CHECKING:
    from bongsu.slo.rules import Group

DAYS, PERIOD, HOUR, WITHIN = 31, "30d", 3600.0, 0.05
END = 1_700_006_400.0
"""A whole hour and a whole day, because the last sample of a history ends it."""
ASKED = 10 * 86400.0
"""The last days of which every hour's budget is asked, to count what is not a number."""


def run() -> int:
    """Play all histories, print the shares and the verdict."""
    figures = Figures()
    nans = theirs_nan = 0
    played = histories(DAYS)
    for history, (ours, theirs) in zip(played, asyncio.run(_played(played)), strict=True):
        truth = history.true_share(30 * PER_DAY)
        share = ours[-1][1] if ours else math.nan
        off = abs(share / truth - 1)
        figures.bar(
            f"{history.name}: true {truth:.4%}",
            f"{share:.4%}, {off:.2%} off",
            f"within {WITHIN:.0%}",
            good=off <= WITHIN,
        )
        sloths = theirs[-1][1] if theirs else math.nan
        figures.note("  Sloth 0.16", f"{sloths:.4%}, {_times(sloths, truth)}")
        nans += sum(math.isnan(value) for _, value in ours)
        theirs_nan += sum(math.isnan(value) for _, value in theirs)
    figures.bar(f"NaN in the budgets of {ASKED / 86400:g} days", f"{nans}, Sloth {theirs_nan}", "0", good=nans == 0)
    return figures.code()


def _times(value: float, truth: float) -> str:
    if math.isnan(value):
        return "not a number"
    return (
        f"{value / truth:.1f} times too much" if value > truth else f"{truth / max(value, 1e-12):.1f} times too little"
    )


async def _played(played: list[History]) -> list[tuple[Points, Points]]:
    """Return the shares of the period over the last days, ours and Sloth's, of each history."""
    first = END - (DAYS * PER_DAY - 1) * MINUTE
    groups = {history: compiled(*history.queries(), service=history.name) for history in played}
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as temporary:
        data = Path(temporary) / "data"
        await _fill(data, _system(played, first))
        async with prometheus(data) as url:
            recorded = [found for history in played for found in await _rates(url, history, groups[history], first)]
        await _fill(data, recorded)
        async with prometheus(data) as url:
            hourly = [found for history in played for found in await _hourly(url, history, groups[history], first)]
        await _fill(data, hourly)
        async with prometheus(data) as url:
            return [await _budgets(url, history, groups[history]) for history in played]


async def _fill(data: Path, series: list[tuple[str, Points]]) -> None:
    text = data.parent / "samples.om"
    openmetrics(series, text)
    await fill(data, text)


def _system(played: list[History], first: float) -> list[tuple[str, Points]]:
    found = [
        (name, [(first + n * MINUTE, value) for n, value in enumerate(values) if value is not None])
        for history in played
        for name, values in history.series()
    ]
    return [*found, ('up{instance="demo",job="demo"}', [(first + n * MINUTE, 1.0) for n in range(DAYS * PER_DAY)])]


async def _rates(url: str, history: History, group: Group, first: float) -> list[tuple[str, Points]]:
    """Return what the rules that read the system record: our two base rates, Sloth's ratio of 5 minutes."""
    theirs = _of_sloth(history, sli_record("5m"))
    asked = [(_series(rule), rule.expr) for rule in (*group.rules[:2], theirs)]
    return [(name, await query_range(url, expr, (first, END), MINUTE)) for name, expr in asked]


async def _hourly(url: str, history: History, group: Group, first: float) -> list[tuple[str, Points]]:
    """Return what the rule of hourly rates records, bad and total asked one by one."""
    found = []
    for kind in ("bad", "total"):
        labels = f'{{sloth_id="{history.name}-works",events="{kind}"}}'
        expr = f"{group.rules[2].expr} and last_over_time({events_record('5m')}{labels}[1h])"
        found.append((events_record("1h") + labels, await query_range(url, expr, (first, END), 5 * MINUTE)))
    return found


async def _budgets(url: str, history: History, group: Group) -> tuple[Points, Points]:
    ours = next(rule for rule in group.rules if isinstance(rule, Recording) and rule.record == sli_record(PERIOD))
    theirs = _of_sloth(history, sli_record(PERIOD))
    span = (END - ASKED, END)
    return await query_range(url, ours.expr, span, HOUR), await query_range(url, theirs.expr, span, HOUR)


def _series(rule: object) -> str:
    if not isinstance(rule, Recording):
        raise SystemExit("the base rules are not where they were")
    return rule.record + "{" + ",".join(f'{key}="{value}"' for key, value in rule.labels.items()) + "}"


def _of_sloth(history: History, record: str) -> Recording:
    rules = sloth(*history.queries(), service=history.name)
    return next(rule for rule in rules if isinstance(rule, Recording) and rule.record == record)


if __name__ == "__main__":
    sys.exit(run())
