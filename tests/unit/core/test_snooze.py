from __future__ import annotations

from datetime import date

import pytest

from bongsu.core.diagnostics import Problem, Severity, Span
from bongsu.core.snooze import Verdict, put_off

TODAY = date(2026, 11, 28)
CODES = {"alert/unproved", "expr/metric"}
SPEC = """\
kind: Alert
# bongsu snooze 2026-12-31 alert/unproved: the experiment comes with the new cluster
name: Slow
unit: s
---
kind: Alert
name: Late
"""


def unproved(line: int, file: str = "a.yaml", code: str = "alert/unproved") -> Problem:
    return Problem(code, Severity.WARNING, Span(file, line), f"line {line}")


def judged(text: str, *problems: Problem, today: date = TODAY, file: str = "a.yaml") -> Verdict:
    return put_off(problems, {file: text}, today, CODES)


def said(verdict: Verdict) -> list[tuple[str, int]]:
    return [(problem.code, problem.span.line) for problem in verdict.problems]


def test_a_comment_puts_off_its_code_on_the_next_line_and_nothing_else() -> None:
    others = [unproved(4), unproved(7), unproved(3, "b.yaml"), unproved(3, code="expr/metric")]
    verdict = judged(SPEC, unproved(3), *others)
    assert {problem for problem, _ in verdict.snoozed} == {unproved(3)}
    assert set(verdict.problems) == set(others)


def test_comments_and_blank_lines_may_stand_between_a_comment_and_its_line() -> None:
    text = SPEC.replace("name: Slow", "\n# what the alert is for\nname: Slow")
    assert said(judged(text, unproved(5))) == []


def test_before_the_first_line_of_a_document_a_comment_holds_for_that_document_alone() -> None:
    comment = "# bongsu snooze 2026-12-31 alert/unproved: one by one\n"
    text = f"kind: A\nname: X\n---\n\n{comment}kind: B\nname: Y\n---\nname: Z\n"
    assert said(judged(text, unproved(2), unproved(7), unproved(9))) == [("alert/unproved", 2), ("alert/unproved", 9)]


def test_in_a_runbook_the_first_line_of_the_front_matter_holds_for_the_file() -> None:
    text = "---\n# bongsu snooze 2026-12-31 alert/unproved: soon\nalert: X\n---\n# Title\n"
    assert said(judged(text, unproved(3, "a.md"), unproved(5, "a.md"), file="a.md")) == []


def test_a_snooze_holds_on_its_last_day_and_is_an_error_on_the_next() -> None:
    assert said(judged(SPEC, unproved(3), today=date(2026, 12, 31))) == []
    over = judged(SPEC, unproved(3), today=date(2027, 1, 1))
    assert said(over) == [("snooze/expired", 2), ("alert/unproved", 3)]
    assert over.problems[0].severity is Severity.ERROR


def test_a_snooze_of_nothing_is_a_warning_unless_nobody_asked() -> None:
    found = judged(SPEC)
    assert [(p.code, p.severity) for p in found.problems] == [("snooze/useless", Severity.WARNING)]
    assert put_off([], {"a.yaml": SPEC}, TODAY, CODES, CODES) == Verdict(())


def test_the_second_of_two_snoozes_of_one_problem_is_useless() -> None:
    text = SPEC.replace("name: Slow", "# bongsu snooze 2027-12-31 alert/unproved: twice\nname: Slow")
    assert said(judged(text, unproved(4))) == [("snooze/useless", 3)]


@pytest.mark.parametrize("code", ["spec/value", "yaml/trap", "alert/unprovd", "snooze/expired"])
def test_what_makes_wrong_output_and_what_nobody_knows_stays_and_the_comment_is_useless(code: str) -> None:
    text = SPEC.replace("alert/unproved", code)
    assert said(judged(text, unproved(3, code=code))) == [("snooze/useless", 2), (code, 3)]


@pytest.mark.parametrize(
    "comment",
    [
        "# bongsu snooze alert/unproved: no day",
        "# bongsu snooze 2026-02-30 alert/unproved: no such day",
        "# bongsu snooze 2026-12-31 alert/unproved",
        "# bongsu snooze 2026-12-31 alert/unproved:",
        "# bongsu snooze 2026-12-31 alert/unproved:   ",
        "# bongsu snooze 2026-12-31: no code",
        "# bongsu snooze 31.12.2026 alert/unproved: another calendar",
        "unit: s  # bongsu snooze 2026-12-31 alert/unproved: not a line of its own",
        "#bongsu: Snooze",
    ],
)
def test_a_snooze_without_day_code_or_reason_or_line_of_its_own_is_an_error_and_puts_nothing_off(comment: str) -> None:
    verdict = judged(f"kind: A\n{comment}\nname: X\n", unproved(3))
    assert said(verdict) == [("snooze/form", 2), ("alert/unproved", 3)]
    assert verdict.problems[0].severity is Severity.ERROR


def test_the_summary_counts_and_names_the_nearest_end() -> None:
    text = SPEC + "# bongsu snooze 2026-12-01 expr/metric: sooner\nexpr: x\n"
    verdict = judged(text, unproved(3), unproved(9, code="expr/metric"))
    assert verdict.summary() == "2 snoozed, the first until 2026-12-01"
    assert judged("").summary() == ""
