"""Make up series that the selectors of a query match: what replays feed to promtool."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bongsu.core.promql import Matcher, Selector

OTHER = "other"
_PLAIN = re.compile(r"[A-Za-z0-9_.:/ -]+")
_MOST_COMBINATIONS = 200


@dataclass(frozen=True, slots=True)
class Series:
    """A metric name and labels."""

    name: str
    labels: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        inner = ",".join(f'{label}="{value}"' for label, value in self.labels)
        return f"{self.name}{{{inner}}}"


def candidates(wanted: Sequence[Selector]) -> Iterable[Series]:
    """Yield one series for each set of selectors that some series can match.

    Raise ValueError for a selector whose pattern cannot be read.
    """
    seen: set[frozenset[int]] = set()
    for name in dict.fromkeys(selector.name for selector in wanted if selector.name):
        for labels in islice(_labels([s for s in wanted if s.name == name]), _MOST_COMBINATIONS):
            series = Series(name, tuple(sorted(labels.items())))
            matched = frozenset(i for i, selector in enumerate(wanted) if matches(series, selector))
            if matched and matched not in seen:
                seen.add(matched)
                yield series


def matches(series: Series, selector: Selector) -> bool:
    """Tell whether a selector selects a series; raise ValueError for a pattern that cannot be read."""
    if series.name != selector.name:
        return False
    labels = dict(series.labels)
    return all(holds(labels, m.label, m.op, m.value) for m in selector.matchers if m.label != "__name__")


def holds(labels: Mapping[str, str], label: str, op: str, wanted: str) -> bool:
    """Tell whether labels satisfy one matcher; raise ValueError for a pattern that cannot be read."""
    value = labels.get(label, "")
    if op in ("=", "!="):
        return (value == wanted) == (op == "=")
    try:
        return bool(re.fullmatch(wanted, value)) == (op == "=~")
    except re.error:
        raise ValueError(f"cannot read the pattern {wanted!r}") from None


def _labels(wanted: list[Selector]) -> Iterable[dict[str, str]]:
    """Yield the combinations of label values that the matchers of one metric speak of."""
    options: dict[str, dict[str, None]] = {}
    for matcher in (m for selector in wanted for m in selector.matchers if m.label != "__name__"):
        options.setdefault(matcher.label, {}).update(dict.fromkeys(_values(matcher)))
    names = list(options)
    for chosen in product(*((*options[name], OTHER) for name in names)):
        yield dict(zip(names, chosen, strict=True))


def _values(matcher: Matcher) -> list[str]:
    if matcher.op in ("=", "!="):
        return [matcher.value] if matcher.value else []
    # 5.. -> 500, (a|b) -> a, b: enough of a regular expression to find a member; `holds` judges it.
    plain = matcher.value.replace(".+", "x").replace(".*", "x").replace(".", "0")
    parts = [part.strip("()") for part in plain.split("|")]
    return [part for part in parts if _PLAIN.fullmatch(part)]
