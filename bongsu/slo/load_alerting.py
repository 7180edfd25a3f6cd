"""Read OpenSLO's AlertPolicy, AlertCondition and AlertNotificationTarget: one policy is one tier of an SLO."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from bongsu.core.conventions import SEVERITIES
from bongsu.core.diagnostics import Problem, Severity
from bongsu.core.durations import format_duration, parse_duration
from bongsu.slo.documents import Library, described, either
from bongsu.slo.model import Named, Policy, Tier

if TYPE_CHECKING:
    from bongsu.core.yaml import Node, Reader

_CRITICAL, _WARNING, _INFO = SEVERITIES
_SEVERITIES = {
    "critical": _CRITICAL,
    "page": _CRITICAL,
    "sev1": _CRITICAL,
    "warning": _WARNING,
    "ticket": _WARNING,
    "sev2": _WARNING,
    "info": _INFO,
    "sev3": _INFO,
}
_OPS = {"gt": ">", "gte": ">="}
_SHORTEST_LOOKBACK = 60.0


def read_target(spec: Reader, _: Library, name: str) -> Named:
    """Return whom a target means: a receiver or a channel of alerts/routes.yaml, which slo/target looks up."""
    described(spec)
    return Named(name, spec.text("target"), spec.span("target"))


def read_condition(spec: Reader, _: Library, name: str) -> Tier:
    """Return the tier of a burn-rate condition: one window, `alertAfter` held."""
    described(spec)
    severity = spec.text("severity")
    if severity and severity.lower() not in _SEVERITIES:
        what = f"no severity {severity!r} is known"
        spec.fail("spec/value", spec.span("severity"), what, f"use one of {', '.join(_SEVERITIES)}")
    condition = spec.mapping("condition")
    if not spec.has("condition"):
        return Tier(name, _WARNING, Decimal(1), "1h", "1h")  # a problem already
    condition.choice("kind", ["burnrate"], "burnrate")
    op = condition.text("op")
    if op in ("lt", "lte"):
        what = f"`op: {op}` would alert while the budget does not burn"
        condition.fail("spec/value", condition.span("op"), what, "write gt or gte")
    elif op:
        condition.choice("op", list(_OPS))
    factor = Decimal(repr(condition.number("threshold")))
    if condition.has("threshold") and factor <= 0:
        what = "a burn rate above 0 is no news: every failure would alert"
        condition.fail("spec/value", condition.span("threshold"), what, "write a factor such as 14.4")
    window = _duration(condition, "lookbackWindow")
    if condition.has("lookbackWindow") and 0 < window < _SHORTEST_LOOKBACK:
        what = "a lookbackWindow below 1m holds too few scrapes"
        condition.fail("spec/value", condition.span("lookbackWindow"), what, "write 5m or more")
    hold = _duration(condition, "alertAfter") if condition.has("alertAfter") else 0.0
    condition.done()
    length, level = format_duration(window or 3600.0), _SEVERITIES.get(severity.lower(), _WARNING)
    return Tier(name, level, factor, length, length, op=_OPS.get(op, ">"), hold=hold)


def read_policy(spec: Reader, library: Library, _: str) -> Policy:
    """Return a policy: exactly one condition, at least one target."""
    described(spec)
    breaching = spec.flag("alertWhenBreaching", default=True)
    no_data = spec.flag("alertWhenNoData", default=False)
    if not breaching and not no_data:
        what = "the policy never alerts"
        spec.fail("spec/value", spec.node.span, what, "write alertWhenBreaching: true", "it looks armed and is not")
    if spec.has("alertWhenResolved"):
        spec.flag("alertWhenResolved")
        what = "alertWhenResolved has no effect: each receiver in alerts/routes.yaml has its own send_resolved"
        place = spec.span("alertWhenResolved")
        spec.problems.append(Problem("spec/no-effect", Severity.WARNING, place, what, "", "remove it"))
    conditions = spec.sequence("conditions")
    if len(conditions) != 1 and spec.has("conditions"):
        what = "a policy has exactly one condition"
        spec.fail("spec/value", spec.span("conditions"), what, "write one policy per condition", "OpenSLO v1 says so")
    tiers = [_condition(node, spec, library) for node in conditions]
    targets = spec.sequence("notificationTargets")
    if not targets and spec.has("notificationTargets"):
        what = "a policy needs at least one target"
        spec.fail("spec/value", spec.span("notificationTargets"), what, "name who is to be told")
    found = [_target(node, spec, library) for node in targets]
    tier = tiers[0] if tiers and breaching else None
    return Policy(tier, tuple(one for one in found if one))


def _condition(node: Node, spec: Reader, library: Library) -> Tier | None:
    return either(
        node,
        spec,
        library,
        path="conditions",
        key="conditionRef",
        kind="AlertCondition",
        known=library.conditions,
        read=read_condition,
    )


def _target(node: Node, spec: Reader, library: Library) -> Named | None:
    return either(
        node,
        spec,
        library,
        path="notificationTargets",
        key="targetRef",
        kind="AlertNotificationTarget",
        known=library.targets,
        read=read_target,
    )


def _duration(reader: Reader, key: str) -> float:
    reader.text(key)
    return float(reader.parsed(key, parse_duration, 0.0))
