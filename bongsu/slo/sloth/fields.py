"""The fields that Sloth's spellings share, each with what Sloth checks and what it does not.

Source: https://github.com/slok/sloth, pkg/common/validation/slo.go. Stricter than that: unknown keys are problems
(Sloth drops a misspelt `pageAlert:` and its routing labels silently), an objective of 100 leaves no budget, and a label
name is one that Prometheus 2 accepts.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from bongsu.core.promql import WINDOW, Expression

if TYPE_CHECKING:
    from bongsu.core.diagnostics import Span
    from bongsu.core.yaml import Reader

_NAME = re.compile(r"^[A-Za-z0-9][-A-Za-z0-9_.]*[A-Za-z0-9]\Z")
_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*\Z")
_PLACEHOLDER = re.compile(r"\{\{ *\.window *\}\}")
_METRIC_NAME = "__name__"
_WHOLE = 100.0


def name(reader: Reader, key: str) -> str:
    """Return the name of a service or an SLO."""
    before = len(reader.problems)
    text = reader.text(key)
    if len(reader.problems) == before and not _NAME.match(text):
        fix = "use letters, digits, - _ . between a letter or digit at each end"
        reader.fail("spec/value", reader.span(key), f"{text!r} is not a name", fix)
    return text


def objective(reader: Reader, key: str, whole: float = _WHOLE) -> float:
    """Return the objective in percent, given as a part of `whole`; NaN when it is missing or impossible."""
    before = len(reader.problems)
    value = reader.number(key)
    if len(reader.problems) > before:
        return math.nan
    if not 0 < value < whole:
        why = "100% leaves no error budget to burn: every single failure would page" if value == whole else ""
        what = f"the objective must lie between 0 and {whole:g}, not {value:g}"
        reader.fail("slo/objective", reader.span(key), what, f"write {0.999 * whole:g}, say", why)
        return math.nan
    return value * (_WHOLE / whole)


def query(reader: Reader, key: str) -> Expression:
    """Return a query with our spelling of the window's placeholder; no other part of Go's templates is known here."""
    before = len(reader.problems)
    text = _PLACEHOLDER.sub(WINDOW, reader.text(key).strip())
    span = reader.span(key)
    if len(reader.problems) > before:
        return Expression("", span)
    if WINDOW not in text:
        what = f"the query has no {WINDOW} placeholder" if text else "the query is empty"
        fix, why = f"write rate(metric[{WINDOW}])", "one query is compiled for every window"
        reader.fail("spec/value", span, what, fix, why)
    elif "{{" in text.replace(WINDOW, ""):
        what = "the query is a Go template: only the window's placeholder can be filled"
        reader.fail("spec/value", span, what, "write the expression out")
    return Expression(text, span)


def labels(reader: Reader, key: str = "labels") -> dict[str, str]:
    """Return labels that Prometheus accepts."""
    found = _texts(reader, key, "label")
    if _METRIC_NAME in found:
        span = _key_span(reader, key, _METRIC_NAME)
        reader.fail("spec/value", span, f"{_METRIC_NAME} is the metric's name and no label", "remove it")
    return found


def notes(reader: Reader) -> dict[str, str]:
    """Return annotations that Prometheus accepts."""
    return _texts(reader, "annotations", "annotation")


def no_plugins(reader: Reader, key: str) -> None:
    """Refuse SLO plugins: what they would change cannot be known here."""
    if reader.get(key, required=False):
        _refuse(reader, key, "SLO plugins are Go programs and cannot be run here", "remove them, or keep Sloth here")


def no_sli_plugin(sli: Reader) -> None:
    """Refuse an SLI plugin: the query it would write cannot be known here."""
    if sli.get("plugin", required=False):
        fix = "write the query it generates (`sloth generate` prints it) under `raw`"
        _refuse(sli, "plugin", "an SLI plugin is a Go program and cannot be run here", fix)


def _refuse(reader: Reader, key: str, what: str, fix: str) -> None:
    span = reader.node.keys.get(key, reader.span(key))
    reader.fail("spec/value", span, what, fix, "without it the rules would not be what Sloth writes")


def _texts(reader: Reader, key: str, kind: str) -> dict[str, str]:
    found = reader.strings(key)
    for label, value in found.items():
        span = _key_span(reader, key, label)
        if not _KEY.match(label):
            why = "Prometheus 2 refuses the whole rule file for it"
            reader.fail("spec/value", span, f"{label!r} is not the name of a {kind}", "use letters, digits and _", why)
        if not value:
            reader.fail("spec/value", span, f"{kind} {label} is empty", "give it a value or remove it")
    return found


def _key_span(reader: Reader, key: str, inner: str) -> Span:
    section = reader.get(key, required=False)
    return section.keys[inner] if section else reader.span(key)
