"""A label made of a value makes a new alert at each evaluation; a template that does not parse stops the rule file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity
from bongsu.core.promql import THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bongsu.checks.model import Catalogue
    from bongsu.core.diagnostics import Span

CODE = "alert/template"
SEVERITY = Severity.ERROR
_PART = re.compile(r"\{\{|\}\}")
_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`', re.DOTALL)
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_CHANGING = re.compile(r"\$value\b|(?<!\$labels)\.Value\b|(?<![.\w])(?:query|now)\b")
_KNOWN = frozenset(("labels", "value", "externalLabels", "externalURL"))
"""What Prometheus declares in front of every template (template/template.go, rules/alerting.go)."""


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each label of an alert that holds what changes, and each label or text whose template cannot be read."""
    for alert in catalogue.alerts.alerts:
        yield from _labels(alert.name, alert.span, alert.labels.items())
        for key, text in (("summary", alert.summary), ("description", alert.description)):
            for language, words in (("en", text.en), ("ko", text.ko)):
                if complaint := _complaint(words):
                    yield _unreadable(alert.span, f"{alert.name}: {key}.{language}", complaint)
    for slo in catalogue.slos.slos:
        yield from _labels(slo.name, slo.alert_span, [one for own in slo.alert_labels.values() for one in own.items()])


def _labels(owner: str, span: Span, labels: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    for name, text in labels:
        if complaint := _complaint(text):
            yield _unreadable(span, f"{owner}: label {name}", complaint)
        elif any(_CHANGING.search(_STRING.sub("", action)) for action in _ACTION.findall(text)):
            why = (
                "labels are what an alert is: at each new value it ends, `for` begins anew, and a notification goes out"
            )
            fix = "say the value in the description"
            yield Problem(CODE, SEVERITY, span, f"{owner}: label {name} changes with the value", why, fix)


def _complaint(text: str) -> str:
    """Return why Prometheus would refuse a template, as far as braces and variables tell, or nothing."""
    text = text.replace(THRESHOLD, "")
    parts = _PART.findall(_ACTION.sub(lambda found: _STRING.sub("", found.group()), text))
    if parts != ["{{", "}}"] * (len(parts) // 2):
        return "has a {{ without its }}"
    actions = _STRING.sub("", " ".join(_ACTION.findall(text)))
    declared = set(re.findall(r"\$(\w+)\s*(?:,\s*\$(\w+)\s*)?:=", actions))
    unknown = set(_VARIABLE.findall(actions)) - _KNOWN - {name for both in declared for name in both}
    return f"uses ${min(unknown)}, which Prometheus does not know" if unknown else ""


def _unreadable(span: Span, what: str, complaint: str) -> Problem:
    known = ", ".join(f"${name}" for name in sorted(_KNOWN))
    why = "Prometheus refuses a whole rule file for one bad template"
    return Problem(CODE, SEVERITY, span, f"{what} {complaint}", why, f"close each {{{{ and use {known}")
