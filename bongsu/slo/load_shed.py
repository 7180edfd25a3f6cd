"""Read from an SLO on latency when work is to be refused: `bongsu/shed-batch`, `-interactive` and `-rate`.

The promise is the bound of the histogram that counts as quick. A share of it is how long a run may wait for a worker
before new ones of its priority are refused; the rest is left for the work itself. `bongsu/shed-rate` is how many runs a
second the smallest deployment is known to answer: what a queue's length means in seconds before a rate was measured.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bongsu.core.promql import selectors
from bongsu.slo.model import Ratio, Shed

if TYPE_CHECKING:
    from bongsu.core.yaml import Reader
    from bongsu.slo.model import Indicator

BATCH, INTERACTIVE, RATE = KEYS = ("bongsu/shed-batch", "bongsu/shed-interactive", "bongsu/shed-rate")
_SHARE = re.compile(r"([1-9][0-9]?)%")
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,3})?")


def read_shed(notes: Reader, indicator: Indicator) -> Shed | None:
    """Return the limits an SLO declares, None without any; what is wrong with them is reported where it stands."""
    if not any(notes.has(key) for key in KEYS):
        return None
    batch, interactive, rate = _share(notes, BATCH), _share(notes, INTERACTIVE), _rate(notes)
    promised = promise(indicator)
    if promised is None:
        _fail(notes, BATCH, "the SLO promises no time", 'count quick answers by `..._bucket{le="10.0"}` under `good`')
    elif batch and interactive and batch > interactive:
        _fail(notes, BATCH, "batch would be refused later than interactive", f"make it at most {INTERACTIVE}")
    elif batch and interactive and rate:
        return Shed(promised, batch, interactive, rate)
    return None


def promise(indicator: Indicator) -> float | None:
    """Return the seconds within which an event is good: the bound of the histogram's bucket that `good` counts."""
    if not isinstance(indicator, Ratio) or indicator.good is None:
        return None
    bounds = {
        matcher.value
        for selector in selectors(indicator.good.text)
        for matcher in selector.matchers
        if matcher.label == "le" and matcher.op == "=" and selector.name.endswith("_bucket")
    }
    try:
        return float(bounds.pop()) if len(bounds) == 1 else None
    except ValueError:
        return None


def _share(notes: Reader, key: str) -> float:
    text = notes.text(key)
    found = _SHARE.fullmatch(text)
    if text and not found:
        _fail(notes, key, f"{text!r} is no share of the promise", 'write "25%": 1% to 99%')
    return int(found[1]) / 100 if found else 0.0


def _rate(notes: Reader) -> float:
    text = notes.text(RATE)
    rate = float(text) if _NUMBER.fullmatch(text) else 0.0
    if text and rate <= 0:
        _fail(notes, RATE, f"{text!r} is no rate", 'write the runs a second, such as "4"')
    return rate


def _fail(notes: Reader, key: str, what: str, fix: str) -> None:
    notes.fail("spec/value", notes.span(key), what, fix)
