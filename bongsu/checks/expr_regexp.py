"""A regular expression that needs not be one says something else than its reader thinks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bongsu.checks.expressions import understood
from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue
    from bongsu.core.promql import Matcher

CODE = "expr/regexp"
SEVERITY = Severity.WARNING
_PLAIN = re.compile(r"[A-Za-z0-9_/:, -]+")
_ANCHORED = re.compile(r"\^.*|(?:[^\\$]|\\.)*\$", re.DOTALL)


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each `=~` or `!~` whose value is one plain word, or is anchored as Prometheus anchors it anyway."""
    for expression in catalogue.expressions():
        for selector in understood(expression.text)[1] if expression.text else ():
            for matcher in selector.matchers:
                found = _wrong(matcher) if matcher.op in ("=~", "!~") else None
                if found:
                    place = catalogue.place(expression, matcher.offset, len(matcher.label))
                    yield Problem(CODE, SEVERITY, place, *found)


def _wrong(matcher: Matcher) -> tuple[str, str, str] | None:
    shown = f"{matcher.label}{matcher.op}{matcher.value!r}"
    if _PLAIN.fullmatch(matcher.value):
        why, exact = "it looks as if it took more than one value", {"=~": "=", "!~": "!="}[matcher.op]
        return f"{shown} is no pattern", why, f"write {matcher.label}{exact} instead"
    if _ANCHORED.fullmatch(matcher.value):
        why = "Prometheus matches whole values: whoever reads the anchors may think that it does not"
        return f"{shown} has anchors", why, "leave ^ and $ out"
    return None
