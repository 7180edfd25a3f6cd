"""Read an alert's expression: which value it compares, over which windows, behind which guards.

Everything here is derived from the expression, so that dashboards, deadlines and rules cannot disagree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from bongsu.core.promql import THRESHOLD, Arm, arms, bare, windows, words

if TYPE_CHECKING:
    from bongsu.alerts.model import Alert

_QUANTILE = re.compile(r"^histogram_quantile\s*\(\s*([0-9.]+)")
_AGE = re.compile(r"^time\s*\(\s*\)\s*-")
_HOLD = frozenset(("last_over_time", "max_over_time"))
"""They keep a value that is gone: the range says for how long, and averages nothing."""
_RANGED = re.compile(r"^(?:\w+_over_time|i?rate|increase|i?delta|deriv|predict_linear|changes|resets|holt_winters)$")


class Signal(Enum):
    """How the compared value answers to a change: what its deadline is computed from."""

    RATIO = "ratio"
    COUNT = "count"
    QUANTILE = "quantile"
    GAUGE = "gauge"
    AGE = "age"
    """Grows by a second each second, whatever the time factor: it fires when that many seconds have passed."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition beside the comparison; `count` events over `window` seconds when it is an event floor."""

    expr: str
    window: float
    count: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to fire: the value, how it is compared, over how many seconds, behind which guards."""

    value: str
    op: str
    window: float
    signal: Signal
    quantile: float
    guards: tuple[Guard, ...]


def alternatives(alert: Alert) -> tuple[Alternative, ...]:
    """Return every way the alert fires; an arm that compares nothing with the threshold is a guard."""
    return tuple(found for both in arms(bare(alert.expr.text)) for found in _alternative(both))


def value_exprs(alert: Alert) -> tuple[str, ...]:
    """Return the expressions a panel draws: the alert's own, without comparison and guards."""
    return tuple(alternative.value for alternative in alternatives(alert))


def fires_below(alert: Alert) -> bool:
    """Tell whether the alert fires when the value is too low."""
    return any(alternative.op.startswith("<") for alternative in alternatives(alert))


def _alternative(both: list[Arm]) -> list[Alternative]:
    guards = tuple(_guard(arm) for arm in both if arm.right != THRESHOLD and not arm.negated)
    return [_compared(arm, guards) for arm in both if arm.right == THRESHOLD and not arm.negated]


def _compared(arm: Arm, guards: tuple[Guard, ...]) -> Alternative:
    quantile = _QUANTILE.match(arm.left)
    window = max(windows(arm.left), default=0.0)
    if quantile:
        signal = Signal.QUANTILE
    elif _held(arm.left):
        window, signal = 0.0, Signal.AGE if _AGE.match(arm.left) else Signal.GAUGE
    else:
        signal = Signal.COUNT if _counts(arm.left) else Signal.RATIO
    return Alternative(arm.left, arm.op, window, signal, float(quantile.group(1)) if quantile else 0.0, guards)


def _guard(arm: Arm) -> Guard:
    number = re.fullmatch(r"[0-9.]+", arm.right)
    floor = float(arm.right) if number and arm.op in (">", ">=") and _counts(arm.left) else 0.0
    return Guard(arm.left, max(windows(arm.left), default=0.0), floor)


def _held(text: str) -> bool:
    """Tell whether an expression reads gauges as they are, or as they last were."""
    return {token.text for token in words(text) if _RANGED.match(token.text)} <= _HOLD


def _counts(text: str) -> bool:
    """Tell whether an expression counts events: increase() that is divided by nothing."""
    found = {token.text for token in words(text)}
    return "increase" in found and "/" not in found
