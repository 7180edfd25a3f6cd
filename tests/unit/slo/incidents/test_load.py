"""Files of labelled incidents are read strictly."""

from __future__ import annotations

import pytest

from bongsu.slo.incidents.load import load_incidents, packaged

STORY = """\
apiVersion: bongsu/v1
kind: Incidents
length: 1d
traffic: {day: 4, night: 1, background: 0.1}
incidents:
  - {name: later, start: 2h, lasts: 1h, share: 0.5, expect: page}
  - {name: sooner, start: 1h, lasts: 5m, burn: 3, expect: nothing}
"""
HISTORY = """\
apiVersion: bongsu/v1
kind: Incidents
incidents:
  - {name: outage, start: "2026-11-01T03:00:00+09:00", lasts: 30m, expect: page}
"""


def test_the_month_in_the_package_is_read_without_a_problem() -> None:
    file, text = packaged()
    incidents, problems = load_incidents(text, file)
    assert problems == []
    assert {one.expect for one in incidents.incidents} == {"page", "ticket", "nothing"}


def test_incidents_come_in_the_order_of_their_start() -> None:
    incidents, problems = load_incidents(STORY, "x.yaml")
    assert problems == []
    assert [(one.name, one.start, one.end) for one in incidents.incidents] == [
        ("sooner", 3600, 3900),
        ("later", 7200, 10800),
    ]


def test_real_history_has_times_with_a_zone() -> None:
    incidents, problems = load_incidents(HISTORY, "x.yaml")
    assert problems == []
    assert incidents.traffic is None
    assert incidents.incidents[0].start == 1793469600.0


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("lasts: 1h, share: 0.5", "lasts: 1h", 6, "either `share` or `burn`"),
        ("lasts: 1h, share: 0.5", "lasts: 1h, share: 0.5, burn: 2", 6, "either `share` or `burn`"),
        ("share: 0.5", "share: 1.5", 6, "between 0 and 1"),
        ("start: 2h", "start: 23h30m", 6, "ends after the story"),
        ("start: 2h, ", "", 6, "incidents.start is missing"),
        ("share: 0.5", "share: 0.5, pulse: 2m", 6, "stand together"),
        ("expect: page", "expect: pages", 6, "cannot be 'pages'"),
        ("name: later", "nam: later", 6, "unknown key"),
        ("length: 1d", "length: 2y", 3, "up to 400 days"),
        ("day: 4", "day: -4", 4, "between 0 and a million"),
    ],
)
def test_a_wrong_story_is_refused_where_it_is_wrong(old: str, new: str, line: int, what: str) -> None:
    _, problems = load_incidents(STORY.replace(old, new, 1), "x.yaml")
    assert [p.span.line for p in problems if what in p.what] == [line], problems


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("+09:00", "", "has no time zone"),
        ("2026-11-01T03:00:00+09:00", "yesterday", "no RFC 3339 time"),
        ("lasts: 30m", "lasts: 30m, share: 1", "unknown key"),
    ],
)
def test_a_wrong_label_of_real_history_is_refused(old: str, new: str, what: str) -> None:
    _, problems = load_incidents(HISTORY.replace(old, new, 1), "x.yaml")
    assert any(what in p.what for p in problems), problems


def test_a_file_holds_exactly_one_document() -> None:
    assert load_incidents("", "x.yaml")[1][0].code == "spec/documents"
    assert load_incidents(f"{HISTORY}---\n{HISTORY}", "x.yaml")[1][0].code == "spec/documents"
