"""How many samples the rules of one SLO read at each evaluation, beside Sloth's, on a real Prometheus of 30 days.

40 raw series, 16 of them bad, scraped every 30 s for 30 days, and what the rules would have recorded of them every
30 s, loaded as blocks. Then each rule is asked as it stands, once, at the end; Prometheus counts (`stats=all`).
A second world has 4,000 raw series, of which only the last hour is loaded: our base recordings are the only rules of
ours that read them, and they look back ten minutes. Sloth's are not asked there: its seven ratios read up to 3 days of
each, so that they grow a hundredfold with the series.
Recorded series are fed, not evaluated: what a rule reads does not depend on their values.
Sloth's rules are those that `bongsu compile --compat sloth` writes (held equal to Sloth's own in tests/golden/sloth).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.support.figures import Figures
from bench.support.history import SLOTH_WINDOWS, compiled, samples_read, sloth
from bongsu.core.conventions import events_record
from bongsu.slo.rules import Recording
from bongsu.stack.history import fill, openmetrics, prometheus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BAD = 'sum(rate(demo_events_total{outcome="bad"}[{{.window}}]))'
TOTAL = "sum(rate(demo_events_total[{{.window}}]))"
END, DAY, HOUR, SCRAPE, BAR = 1_700_000_100.0, 86400.0, 3600.0, 30.0, 15_000
_IDS = 'sloth_id="demo-works",sloth_service="demo",sloth_slo="works"'


def run() -> int:
    """Load both worlds, ask every rule, print the figures and the verdict."""
    figures = Figures()
    few, base, theirs = asyncio.run(_asked(40, 30 * DAY, with_sloth=True))
    many, base_many, _ = asyncio.run(_asked(4_000, HOUR, with_sloth=False))
    figures.bar("samples read per SLO and evaluation, 40 series", f"{few:,}", f"at most {BAR:,}", good=few <= BAR)
    figures.note("  of these by the two base recordings", f"{base:,}")
    figures.note("  Sloth 0.16 on the same data", f"{theirs:,}, {theirs / few:.1f} times as many")
    grown = (many - base_many) - (few - base)
    figures.bar("growth outside the base recordings, at 4,000 series", f"{grown:,}", "at most 0", good=grown <= 0)
    figures.note("  the base recordings themselves", f"{base_many:,}, {base_many / base:.1f} times as many")
    return figures.code()


async def _asked(count: int, span: float, *, with_sloth: bool) -> tuple[int, int, int]:
    """Return the samples that all our rules read, the base recordings alone, and all of Sloth's."""
    group = compiled(BAD, TOTAL)
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as temporary:
        data = Path(temporary) / "data"
        text = Path(temporary) / "samples.om"
        openmetrics([*_raw(count, span), *_recorded(30 * DAY)], text)
        await fill(data, text)
        text.unlink()
        async with prometheus(data) as url:
            ours = [(rule, samples_read(url, rule.expr, END)[0]) for rule in group.rules]
            theirs = sum(samples_read(url, rule.expr, END)[0] for rule in sloth(BAD, TOTAL)) if with_sloth else 0
    base = sum(read for rule, read in ours if isinstance(rule, Recording) and "demo_events_total" in rule.expr)
    if not base or any(not read for rule, read in ours if "vector(" not in rule.expr):
        raise SystemExit(f"a rule read nothing: {[rule.expr for rule, read in ours if not read]}")
    return sum(read for _, read in ours), base, theirs


def _times(span: float, step: float = SCRAPE) -> Iterable[float]:
    return (END - span + n * step for n in range(int(span / step) + 1))


def _raw(count: int, span: float) -> Iterator[tuple[str, Iterable[tuple[float, float]]]]:
    for n in range(count):
        outcome = "bad" if n < count * 0.4 else "good"
        labels = f'{{instance="demo",job="demo",outcome="{outcome}",part="{n}"}}'
        yield f"demo_events_total{labels}", ((at, float(i)) for i, at in enumerate(_times(span)))
    yield 'up{instance="demo",job="demo"}', ((at, 1.0) for at in _times(span))


def _recorded(span: float) -> Iterator[tuple[str, Iterable[tuple[float, float]]]]:
    """Yield what both sets of rules record, a constant each: bad events are a thousandth."""
    for record in map(events_record, ("5m", "1h")):
        for kind, rate in (("bad", 0.001), ("total", 1.0)):
            yield f'{record}{{{_IDS},events="{kind}"}}', ((at, rate) for at in _times(span))
    names = dict.fromkeys((*SLOTH_WINDOWS, "30d"))
    for window in names:
        series = f'slo:sli_error:ratio_rate{window}{{{_IDS},sloth_window="{window}"}}'
        yield series, ((at, 0.02) for at in _times(span if window == "5m" else DAY))
    for name, value in (("slo:error_budget:ratio", 0.001), ("slo:period_burn_rate:ratio", 1.0)):
        yield f"{name}{{{_IDS}}}", ((at, value) for at in _times(DAY))


if __name__ == "__main__":
    sys.exit(run())
