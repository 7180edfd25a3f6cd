from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.core.diagnostics import Problem
from bongsu.runbooks.load import load
from bongsu.runbooks.model import HEADINGS, ActionStep, ProbeStep, QueryStep, Runbook

FOLDER = Path(__file__).parents[3] / "runbooks"
SHIPPED = {f"runbooks/{p.name}": p.read_text(encoding="utf-8") for p in FOLDER.glob("*.md") if p.name != "README.md"}
TEXT = """\
---
alert: Loud
declares: heals
---
# Loud

## What it means

## Impact

## Check

```bongsu
verb: query
expr: up
expect: '> 0'
within: 2m
```

```sh
verb: this is prose, for people
```

## Act

```bongsu
verb: action
action: switch
arguments: {to: two, times: 3}
```

## Verify

```bongsu
verb: probe
```

## Escalate
"""


def read(text: str, file: str = "runbooks/Loud.md") -> tuple[Runbook, list[Problem]]:
    (runbook,), problems = load({file: text})
    return runbook, problems


def test_steps_are_typed_and_know_their_section_and_place() -> None:
    runbook, problems = read(TEXT)
    assert problems == []
    query, action, probe = runbook.steps
    assert isinstance(query, QueryStep)
    assert (query.section, query.expr.text, str(query.expect), query.within, query.span.line) == (
        "Check",
        "up",
        "> 0",
        120,
        14,
    )
    assert isinstance(action, ActionStep)
    assert (action.section, action.action, action.arguments) == ("Act", "switch", {"to": "two", "times": "3"})
    assert isinstance(probe, ProbeStep)
    assert runbook.of("Verify") == (probe,)


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("alert: Loud", "alert: Quiet", "runbook/name", 2),
        ("declares: heals", "declares: hopes", "spec/value", 3),
        ("declares: heals", "declares: heals\nexperiments: x", "spec/unknown-key", 4),
        ("## Impact", "## Consequences", "runbook/headings", 9),
        ("## Impact\n\n", "", "runbook/headings", 9),
        ("verb: probe", "verb: shell", "spec/value", 35),
        ("verb: probe", "verb: probe\ncommand: rm", "spec/unknown-key", 36),
        ("verb: probe", "", "runbook/step", 35),
        ("expect: '> 0'", "expect: some", "spec/value", 16),
        ("within: 2m", "within: soon", "spec/value", 17),
        ("{to: two, times: 3}", "{to: [two]}", "spec/type", 29),
        ("action: switch", "actions: switch", "spec/missing-key", 27),
        ("---\n# Loud", "# Loud", "runbook/front-matter", 1),
    ],
)
def test_a_wrong_runbook_is_reported_with_its_line(old: str, new: str, code: str, line: int) -> None:
    assert old in TEXT
    problems = read(TEXT.replace(old, new, 1))[1]
    assert (code, line) in [(problem.code, problem.span.line) for problem in problems]


def test_a_fence_that_is_never_closed_is_reported_where_it_opens() -> None:
    (problem,) = read(TEXT.rstrip().removesuffix("## Escalate") + "## Escalate\n\n```bongsu\nverb: probe\n")[1]
    assert (problem.code, problem.span.line) == ("runbook/fence", 40)


def test_the_file_name_says_the_alert_and_the_language() -> None:
    assert (read(TEXT)[0].language, read(TEXT, "runbooks/Loud.ko.md")[0].language) == ("en", "ko")
    assert read(TEXT, "runbooks/Loud.ko.md")[0].alert == "Loud"


@pytest.mark.parametrize("file", SHIPPED)
def test_each_shipped_runbook_is_sound_and_short_enough_for_the_night(file: str) -> None:
    runbook, problems = read(SHIPPED[file], file)
    assert problems == []
    assert runbook.of("Check")
    assert runbook.of("Verify")
    assert len(SHIPPED[file].splitlines()) < 110


@pytest.mark.parametrize("file", [name for name in SHIPPED if ".ko." not in name])
def test_each_shipped_runbook_says_something_under_every_heading(file: str) -> None:
    parts = SHIPPED[file].split("\n## ")[1:]
    assert [part.splitlines()[0] for part in parts] == list(HEADINGS)
    assert all(len(part.strip().splitlines()) > 1 for part in parts)


def test_those_that_declare_to_heal_act_and_are_proved() -> None:
    runbooks, _ = load(SHIPPED)
    healing = [runbook for runbook in runbooks if runbook.declares == "heals"]
    assert {runbook.alert for runbook in healing} == {"AnswersBudgetBurn", "AvailabilityLow", "ErrorsHigh"}
    for runbook in healing:
        assert runbook.experiment == "openai-errors"
        (act,) = runbook.of("Act")
        assert isinstance(act, ActionStep)
        assert (act.action, act.arguments) == ("provider-switch", {"to": "secondary"})
