"""Count what `rate` cannot see: the first increments of a series that is born with them.

`rate` needs two samples of a series. A failure on a label set that never failed before shows as one new series whose
first sample is already 1, and `rate` says 0 (prometheus/prometheus#12967; research/slo.md 2.3: 12 failures on fresh
label sets, no alert by Sloth's rules).

A series is born when it is here now, was not a window ago, and its target was up then: a target that is scraped for
the first time, or again after a gap, brings along all it ever counted, and none of that is news. While it is young its
value counts instead of its rate, so that nothing counts twice.
"""

from __future__ import annotations

from bongsu.core.promql import WINDOW, Token, closing, words

SECONDS = "{{.seconds}}"
"""Stands for the length of the window in seconds; the compiler fills it in, divided by the time factor."""
_FUNCTIONS = ("rate", "increase")


def with_births(query: str) -> str:
    """Return the query with each `rate(selector[{{.window}}])` (or increase) counting new series too.

    What is not of that shape (an offset, a subquery, a recorded series of something else) stays as it is.
    """
    parts = words(query)
    result, done = "", 0
    for i, token in enumerate(parts):
        if token.text not in _FUNCTIONS or token.offset < done:
            continue
        if i + 1 < len(parts) and parts[i + 1].text == "(":
            stop = closing(parts, i + 1)
            selector = _selector(query, parts[i + 2 : stop])
            if selector:
                result += query[done : token.offset] + _counted(token.text, selector)
                done = parts[stop].end
    return result + query[done:]


def _selector(query: str, inner: list[Token]) -> str:
    """Return the selector in `selector [ {{.window}} ]`, or nothing when what a function reads is not that."""
    if len(inner) < 4 or [token.text for token in inner[-3:]] != ["[", WINDOW, "]"]:  # noqa: PLR2004 - name [ w ]
        return ""
    named = inner[:-3]
    braces = named[1:] if named[0].kind == "name" else named
    plain = not braces or (braces[0].text == "{" and closing(braces, 0) == len(braces) - 1)
    return query[named[0].offset : named[-1].end] if plain else ""


def _counted(function: str, selector: str) -> str:
    born = f"(({selector} unless {selector} offset {WINDOW}) and on (job, instance) (up offset {WINDOW} == 1))"
    value = f"{born} / {SECONDS}" if function == "rate" else born
    return f"(({function}({selector}[{WINDOW}]) unless {born}) or {value})"
