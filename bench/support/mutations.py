"""Make mutations of compiled rules and routes: small changes of the text, each with one wrong meaning."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core.conventions import WAL_COVERED
from bongsu.core.durations import format_duration, parse_duration
from bongsu.slo.rule_texts import rule_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Mutation:
    """One rule (or configuration) before and after; `equivalent` says why nobody could tell the difference."""

    file: str
    kind: str
    change: str
    old_rule: str
    new_rule: str
    equivalent: str = ""

    def __str__(self) -> str:
        """Return file, kind and change in one line."""
        return f"{self.file}: {self.kind}: {self.change}"


Change = tuple[str, str, str]
"""Kind, pattern with one group, and what the group becomes."""
_DURATION = r"\d+(?:ms|[smhdwy])"
_OTHER = {"critical": "warning", "warning": "critical", "info": "warning", "none": "warning"}


def _number(by: float) -> Callable[[str], str]:
    return lambda text: f"{float(text) * by + (by - 1 if float(text) == 0 else 0):g}"


def _duration(by: float) -> Callable[[str], str]:
    return lambda text: format_duration(parse_duration(text) * by)


EXPRESSIONS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("factor", r"\(([\d.]+) \* [\d.]+\)", _number(1.02)),
    ("factor", r"\(([\d.]+) \* [\d.]+\)", _number(0.98)),
    ("budget", r"\([\d.]+ \* ([\d.]+)\)", _number(1.1)),
    ("threshold", r"(?:[<>]=?|==) ([\d.]+)", _number(1.15)),
    ("threshold", r"(?:[<>]=?|==) ([\d.]+)", _number(0.85)),
    ("constant", r"(?:vector\(|[*/] )(\d[\d.]*)(?![\d.]|[a-z])", _number(2)),
    ("window", rf"\[({_DURATION})[\]:]", _duration(2)),
    ("window", rf"\[({_DURATION})[\]:]", _duration(0.5)),
    ("window", rf"\[({_DURATION})[\]:]", _duration(1.2)),
    ("step", rf"\[{_DURATION}:({_DURATION})\]", _duration(2)),
    ("offset", rf"offset ({_DURATION})", _duration(2)),
    ("offset", rf"offset ({_DURATION})", _duration(0.5)),
    ("comparison", r" (>=?) ", lambda _: "<"),
    ("comparison", r" (<=?) ", lambda _: ">"),
    ("comparison", r" (==) ", lambda _: "!="),
    ("and, or", r"\b(and)\b", lambda _: "or"),
    ("and, or", r"\b(and)\b", lambda _: "unless"),
    ("and, or", r"\b(or)\b", lambda _: "and"),
    ("and, or", r"\b(unless)\b", lambda _: "and"),
    ("matching", r"( ignoring \([^)]*\))", lambda _: ""),
    ("matching", r"( on \([^)]*\))", lambda _: ""),
    ("grouping", r"( by \([^)]*\))", lambda _: ""),
    ("matcher", r'[{, ,]\w+(=~|=|!=|!~)"', lambda op: {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}[op]),
    ("matcher", r'\w+(?:=~|=|!=|!~)"([^"]+)"', lambda text: f"x{text}"),
    ("selector", r'([{,] ?\w+(?:=~|=|!=|!~)"[^"]*")', lambda text: "{" if text[0] == "{" else ""),
    (
        "selector",
        r"\b(slo:\w+:\w+|[a-z]+_[a-z_]+_(?:total|seconds|bytes|ratio|bucket|files|row|quota|period|up))\b",
        lambda t: f"{t}x",
    ),
    ("function", r"\b(rate|increase)\(", lambda _: "delta"),
    ("function", r"\b(avg)_over_time\(", lambda _: "max"),
    ("function", r"\b(sum)_over_time\(", lambda _: "max"),
    ("function", r"\b(sum)(?= by|\()", lambda _: "min"),
    ("function", r"\b(max|min|avg)(?= by|\()", lambda text: {"max": "min", "min": "max", "avg": "max"}[text]),
)
LABELS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("severity", r"          severity: (\w+)\n", lambda text: _OTHER[text]),
    ("label", r"          \w+: ([^\n]+)\n", lambda _: "wrong"),
    ("label", r"(          \w+: [^\n]+\n)", lambda _: ""),
)


def rule_mutations(file: str, text: str) -> list[Mutation]:
    """Return every mutation of every rule of a file."""
    return [m for rule in rule_texts(text).rules for m in _of_rule(file, rule)]


def _of_rule(file: str, rule: str) -> Iterator[Mutation]:
    body, mark, prose = rule.partition("        annotations:")
    head, label_mark, labels = body.partition("        labels:")
    name, new_line, expression = head.partition("\n")
    rest = label_mark + labels + mark + prose

    def made(kind: str, change: str, new: str, at: int = 0) -> Mutation:
        told = " ".join(re.findall(r"(?:severity|tier|events|sloth_window): (\S+)", labels))
        where = f"{name.split(': ')[-1]} {told}"
        return Mutation(file, kind, f"{where}: {change}", rule, new, _equivalent(kind, change, expression, at))

    for kind, pattern, change in EXPRESSIONS:
        for found in re.finditer(pattern, expression):
            new = _changed(expression, found, change)
            if new != expression:
                yield made(kind, _words(expression, found, change), name + new_line + new + rest, found.start(1))
    for kind, pattern, change in LABELS:
        for found in re.finditer(pattern, labels):
            new = _changed(labels, found, change)
            yield made(
                kind, _words(labels, found, change), name + new_line + expression + label_mark + new + mark + prose
            )
    yield made("name", "x", f"{name}x" + new_line + expression + rest)
    if name.lstrip().startswith("- alert"):
        for key in ("for", "keep_firing_for"):
            for change, new in _of_times(key, expression):
                yield made(key, change, name + new_line + new + rest)


def _of_times(key: str, expression: str) -> Iterator[tuple[str, str]]:
    """Yield a rule's `for` or `keep_firing_for` gone and longer or shorter, or added where there is none."""
    held = re.search(rf"        {key}: (\S+)\n", expression)
    if held is None:
        yield "5m", f"{expression}        {key}: 5m\n"
        return
    yield "none", expression.replace(held[0], "")
    for by in (2, 0.5):
        changed = _duration(by)(held[1])
        yield changed, expression.replace(held[0], f"        {key}: {changed}\n")


def _changed(text: str, found: re.Match[str], change: Callable[[str], str]) -> str:
    return text[: found.start(1)] + change(found[1]) + text[found.end(1) :]


def _words(text: str, found: re.Match[str], change: Callable[[str], str]) -> str:
    before, after = text[max(0, found.start(1) - 30) : found.start(1)], text[found.end(1) : found.end(1) + 20]
    return " ".join(f"{before}[{found[1]} -> {change(found[1])}]{after}".split())


_WHOLE = re.compile(
    r"_files\)|_in_a_row\)|_size_bytes|round\([^\n]*|\bup\{[^}]*\}\)"
    r"|_timestamp_seconds\[\d+d\]\) > $|_limit_bytes\{[^}]*\} > $"
)


def _same_counts(before: str, change: str) -> bool:
    """Tell whether the same whole numbers are beyond the old threshold and the new one."""
    found = re.search(r"\[([\d.]+) -> ([\d.]+)\]", change)
    step = math.ceil if before.rstrip().endswith("<") else math.floor
    return found is not None and step(float(found[1])) == step(float(found[2]))


_COVERED = re.escape(f"max_over_time({WAL_COVERED.name}[1d]) * ")
_SAME: tuple[tuple[tuple[str, ...], str, str, str], ...] = (
    (
        ("label",),
        r"slo:",
        r"\[ sloth_(?:id|service|slo): \S+ -> \]",
        "a label that a recording sets comes with the series it is computed from as well",
    ),
    (("selector",), r"group_left", "", "burn rates are matched on the ids: the other side names the SLO"),
    (
        ("selector",),
        r"unless \(*[a-z_]+[^}]*$",
        "",
        "a wider selector behind `unless`: what it adds is not in what it is taken from",
    ),
    (
        ("selector", "matcher"),
        "",
        r"\[(?:\{(?:fstype!~|id!=)[^>]* -> \{|tmpfs[^>]* -> xtmpfs|/ -> x/)",
        "a wider selector on one side of a division: the other side has no series to go with what it adds",
    ),
    (
        ("window", "function"),
        r"\n +or\n +0 \* (?:sum\([^\n]*)?$",
        "",
        "zero times a rate is zero whatever the rate",
    ),
    (
        ("selector",),
        r"\n +or\n +0 \* sum\([^\n]*$",
        "",
        "zero times more series is zero as well, and where the wanted ones are these are too",
    ),
    (
        ("selector",),
        r"or max\(bongsu_queue_oldest_age_seconds$",
        "",
        "an interactive run that waits sixty times too long is in the arm before",
    ),
    (
        ("constant",),
        rf"{_COVERED}$",
        "",
        "of what has been 0 all the time: what is more is in the arm before",
    ),
    (("keep_firing_for",), r"expr: '?vector\(1\)", "", "what always fires never stops"),
    (
        ("constant",),
        r"label_replace\(vector\($",
        "",
        "only a reason is put on it: what its value is nobody sees",
    ),
)
"""Kinds, what is in the expression (before the change where it ends in $), what the change is, and why it is none."""


def _equivalent(kind: str, change: str, expression: str, at: int) -> str:
    """Return why a change means the same, or nothing."""
    before = expression[:at]
    for kinds, stands, changed, why in _SAME:
        text = before if stands.endswith("$") else expression
        if kind in kinds and re.search(stands, text) and re.search(changed, change):
            return why
    return _same_threshold(change, before) if kind == "threshold" else ""


def _same_threshold(change: str, before: str) -> str:
    if _WHOLE.search(before) and _same_counts(before, change):
        return "a count of whole things: none lies between the two thresholds"
    if "[0 -> -0" in change and "_size_bytes" in before:
        return "0 of 0 bytes are no number, which is beyond no threshold"
    if "[0 -> -0" in change and "\n          and\n" in before:
        return "no events in the long window, none in the short one, which is part of it and has the same guard"
    return ""


_RECEIVERS = {
    "page": "note",
    "lead": "page",
    "morning": "ticket",
    "ticket": "page",
    "note": "ticket",
    "watchdog": "note",
}
ROUTES: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("receiver", r"\n +receiver: (\w+)\n", lambda text: _RECEIVERS[text]),
    ("matcher", r"- 'severity=\"(\w+)\"'", lambda text: _OTHER[text]),
    ("matcher", r"- '\w+=~?\"(\w+)\"'", lambda text: f"{text}x"),
    ("matcher", r"- '\w+(=~?)\"\w+\"'", lambda op: {"=": "!=", "=~": "!~"}[op]),
    (
        "time",
        rf"(?:group_wait|group_interval|repeat_interval): ({_DURATION})\n",
        lambda text: _duration(2)(text) if parse_duration(text) else "30s",
    ),
    ("group_by", r"group_by:\n((?:\s+- \w+\n)+)", lambda text: re.sub(r"- \w+", "- kind", text, count=1)),
    ("group_by", r"group_by:\n((?:\s+- \w+\n)+)", lambda text: text + text.split("\n")[0] + "x\n"),
    ("continue", r"\n( +continue: true\n)", lambda _: ""),
    ("times", r"\n( +(?:active|mute)_time_intervals:\n +- \S+\n)", lambda _: ""),
    ("times", r"\n +(active|mute)_time_intervals:", lambda text: {"active": "mute", "mute": "active"}[text]),
    ("times", r"(?:start|end)_time: '(\d\d):", lambda hour: f"{(int(hour) + 5) % 24:02}"),
    ("times", r"- (monday:friday)\n", lambda _: "monday:sunday"),
    ("times", r"location: (\S+)\n", lambda _: "UTC"),
    ("equal", r"(?<=\n)(      - \w+\n)", lambda _: ""),
    ("send_resolved", r"send_resolved: (true|false)", lambda text: "false" if text == "true" else "true"),
    ("channel", r"\n    (\w+)_configs:", lambda text: f"x{text}"),
)


def route_mutations(file: str, text: str) -> list[Mutation]:
    """Return every mutation of a configuration of Alertmanager; `equal` only where labels must be equal."""
    start = text.index("inhibit_rules:")
    return [
        Mutation(
            file,
            kind,
            f"{text.count(chr(10), 0, found.start())}: {_words(text, found, change)}",
            text,
            _changed(text, found, change),
        )
        for kind, pattern, change in ROUTES
        for found in re.finditer(pattern, text)
        if kind != "equal" or start < found.start() < text.index("receivers:", start)
    ]
