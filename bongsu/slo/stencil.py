"""Write rule files fast: what two SLOs have in common is compiled and emitted once, with gaps for their names.

Of the 17 rules of an SLO all but the base recordings depend on its objective, windows and kind, and on names that are
only ever copied. So SLOs of one shape share the text of those rules. A shape is the whole SLO without names, queries
and places: a new field of the model is part of it by itself. Whatever has to be quoted differently than the gaps, or
does not fit for any other reason, is compiled the plain way; a test holds both ways against each other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from bongsu.core.diagnostics import Span
from bongsu.core.emit import entry, is_plain, is_quotable
from bongsu.core.promql import Expression
from bongsu.slo.absence import NAME as ABSENT
from bongsu.slo.absence import job_of
from bongsu.slo.model import Slo
from bongsu.slo.rules import Group, Recording, rule_file

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from bongsu.slo.model import Windows
    from bongsu.slo.rules import Alerting, Links

    Compile = Callable[[Slo, Windows, Links, float], Group]
    Base = Callable[[Slo, Windows, float], list[Recording | Alerting]]

_SERVICE, _NAME, _ALERT = "gap-service", "gap-name", "GapAlert"
_TITLE, _TITLE_KO, _SOURCE, _QUERY = "The gap: title", "The gap: title-ko", "gap-source", "gap_query"
_JOB = "gap-job"
_EXPR = "expr: gap_expr"
_NAMED = frozenset(("service", "name", "title", "title_ko", "alert", "job"))
_BARE = frozenset((str, float, int, bool, Decimal, type, type(None)))
_NOWHERE = Span("")


class Stencils:
    """The shapes of one compilation; `compile_one` returns all rules of an SLO, `base` those that hold its queries."""

    def __init__(self, compile_one: Compile, base: Base, links: Links, factor: float) -> None:
        self._compile, self._base, self._links, self._factor = compile_one, base, links, factor
        self._panels = tuple(links.panel(_SERVICE, alert) for alert in (_ALERT, ABSENT))
        self._cut: dict[Hashable, list[str]] = {}

    def rule_file(self, slo: Slo, windows: Windows) -> str:
        """Return the text of an SLO's rule file."""
        if not _fits(slo):
            return self._plainly(slo, windows)
        # SLOs share windows, and the caller keeps them; hashing them is slow
        shape = (_shape(slo), bool(job_of(slo)), id(windows))
        pieces = self._cut.get(shape)
        if pieces is None:
            pieces = self._cut[shape] = self._stencil(slo, windows)
        if not pieces:
            return self._plainly(slo, windows)
        return self._filled(pieces, slo, windows)

    def _plainly(self, slo: Slo, windows: Windows) -> str:
        return rule_file(self._compile(slo, windows, self._links, self._factor), slo.span.file)

    def _filled(self, pieces: list[str], slo: Slo, windows: Windows) -> str:
        values = {
            f"{_SERVICE}-{_NAME}": slo.id,
            _SERVICE: slo.service,
            _NAME: slo.name,
            _ALERT: slo.alert,
            _TITLE: slo.title,
            _TITLE_KO: slo.title_ko,
            _SOURCE: slo.span.file,
            _JOB: job_of(slo),
            self._panels[0]: self._links.panel(slo.service, slo.alert),
            self._panels[1]: self._links.panel(slo.service, ABSENT),
        }
        for number, rule in enumerate(self._base(slo, windows, self._factor)):
            values[f"{_EXPR}{number}_"] = entry("expr", rule.expr, 4)
        filled = pieces.copy()
        filled[1::2] = map(values.__getitem__, pieces[1::2])
        return "".join(filled)

    def _stencil(self, slo: Slo, windows: Windows) -> list[str]:
        """Return text and gaps in turn; nothing when the rules are not of the form this module relies on."""
        nameless = replace(
            _nameless(slo),
            service=_SERVICE,
            name=_NAME,
            title=_TITLE,
            title_ko=_TITLE_KO,
            alert=_ALERT,
            span=Span(_SOURCE),
            job=_JOB if job_of(slo) else "",
        )
        group = self._compile(nameless, windows, self._links, self._factor)
        base = self._base(nameless, windows, self._factor)
        first, rest = group.rules[: len(base)], group.rules[len(base) :]
        if list(first) != base or "gap" in repr(_shape(slo)).lower():
            return []
        gaps = [
            Recording(rule.record, f"{_EXPR}{number}_", rule.labels)
            for number, rule in enumerate(first)
            if isinstance(rule, Recording)
        ]
        text = rule_file(Group(group.name, (*gaps, *rest)), _SOURCE)
        text = re.sub(rf"expr: '({_EXPR}[0-9]+_)'", r"\1", text)
        if _QUERY in text or len(gaps) != len(base):
            return []
        known = [*self._panels, f"{_SERVICE}-{_NAME}", _TITLE_KO, _TITLE, _SERVICE, _NAME, _ALERT, _JOB, _SOURCE]
        return re.split(f"({'|'.join(map(re.escape, known))}|{_EXPR}[0-9]+_)", text)


def _fits(slo: Slo) -> bool:
    """Tell whether an SLO's names are written the way the gaps are: bare, and in titles without a quote to double."""
    plain = all(map(is_plain, (slo.id, slo.service, slo.name, slo.alert)))
    return plain and is_quotable(slo.title) and is_quotable(slo.title_ko)


def _shape(value: Any) -> Any:
    """Return all that is not a name, a query or a place, to be hashed."""
    kind: Any = type(value)
    if kind in _BARE:
        return value
    if kind in (Expression, Span):
        return kind
    read = _reader(kind)
    if read is not None:
        return tuple([part if type(part) in _BARE else _shape(part) for part in read(value)])
    if isinstance(value, Mapping):
        return tuple([(key, _shape(item)) for key, item in value.items()])
    return value


@lru_cache(maxsize=64)
def _reader(kind: Any) -> Callable[[Any], tuple[Any, ...]] | None:
    """Return what reads the class and all fields of a dataclass that are no names; None for what is no dataclass."""
    named = _NAMED if kind is Slo else frozenset()
    wanted = [field.name for field in fields(kind) if field.name not in named] if is_dataclass(kind) else []
    return attrgetter("__class__", *wanted) if wanted else None


def _nameless(value: Any) -> Any:
    """Return the same with a query of ours in place of each of the author's."""
    if isinstance(value, Expression):
        return Expression(_QUERY, _NOWHERE)
    if is_dataclass(value) and not isinstance(value, type | Span):
        return replace(value, **{field.name: _nameless(getattr(value, field.name)) for field in fields(value)})
    return value
