"""Cut a compiled rule file of an SLO into parts, so that promtool loads no more rules than a test is about.

It works on the text of the rules and not on what they were compiled from: the tests judge the very bytes that are
deployed. Rules are told apart by their place and by what they record, never by what a test asks about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_RULE = re.compile(r"^      - (?=record: |alert: )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RuleTexts:
    """A rule file with one group: what stands before its rules, and the text of each."""

    head: str
    rules: tuple[str, ...]

    def alerts(self) -> tuple[str, ...]:
        """Return the rules that alert."""
        return tuple(rule for rule in self.rules if rule.lstrip().startswith("- alert: "))

    def recordings(self, record: str, *, of: bool) -> tuple[str, ...]:
        """Return the rules that record the series `record`, or (`of` false) those that record something else."""
        return tuple(
            rule
            for rule in self.rules
            if rule.lstrip().startswith("- record: ") and (rule.split("\n", 1)[0].split(": ", 1)[1] == record) == of
        )

    def file(self, *rules: str) -> str:
        """Return the text of a rule file with these rules alone."""
        return self.head + "".join(rules)


def rule_texts(text: str) -> RuleTexts:
    """Return the rules of a file that `bongsu compile` wrote; raise ValueError for one without rules."""
    starts = [found.start() for found in _RULE.finditer(text)]
    if not starts:
        raise ValueError("no rules of a compiled SLO in it")
    ends = [*starts[1:], len(text)]
    return RuleTexts(text[: starts[0]], tuple(text[a:b] for a, b in zip(starts, ends, strict=True)))
