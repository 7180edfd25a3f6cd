from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bongsu.cli.route import read_labels, read_moment
from bongsu.core.errors import UsageError
from tests.golden.scenario import bongsu

ROOT = Path(__file__).parents[3]
TIMING = "first after 30s, news every 2m, again every 12h"
MORNING = """\
an alert with severity=warning, service=research-assistant, alertname=BackupLate
at Thu 2026-12-24 03:00 Asia/Seoul
  does not: morning (slack)
    route {first}: severity="warning"
    one notification for service=research-assistant; first after 30s, news every 5m, again every 12h
    muted: outside weekday-mornings
  hears it: ticket (email, slack, webhook)
    route {second}: severity="warning"
    one notification for alertname=BackupLate, service=research-assistant; {timing}
    at all times
"""


def test_at_three_in_the_morning_the_digest_is_silent_and_the_ticket_is_not() -> None:
    labels = ("severity=warning", "service=research-assistant", "alertname=BackupLate")
    code, out, _ = bongsu(ROOT, "route", *labels, "--at", "2026-12-24T03:00 Asia/Seoul")
    assert code == 0
    places = [line.split()[1].rstrip(":") for line in out.splitlines() if line.startswith("    route ")]
    assert out.startswith(MORNING.format(first=places[0], second=places[1], timing=TIMING))
    assert "  silenced while one of these fires with the same" in out
    assert "BackupHung (critical, research-assistant)" in out


def test_at_half_past_nine_on_a_weekday_both_hear_it() -> None:
    code, out, _ = bongsu(ROOT, "route", "severity=warning", "--at", "2026-12-24T09:30 Asia/Seoul")
    assert (code, out.count("hears it")) == (0, 2)
    assert "active in weekday-mornings: now open" in out


def test_a_severity_nobody_knows_ends_at_the_default_receiver() -> None:
    code, out, _ = bongsu(ROOT, "route", "severity=urgent", "--at", "2026-12-24T09:30+09:00")
    assert code == 0
    assert "no route matches: this is the default receiver" in out
    assert "silenced by no other alert" in out


def test_a_moment_is_read_with_a_zone_an_offset_or_as_utc() -> None:
    midnight = datetime(2026, 12, 23, 15, 0, tzinfo=UTC)
    for text in ("2026-12-24T00:00 Asia/Seoul", "2026-12-24T00:00+09:00", "2026-12-23T15:00"):
        assert read_moment(text) == midnight


@pytest.mark.parametrize("text", ["noon", "2026-12-24T03:00 Asia/Soul", "2026-12-24T03:00+09:00 Asia/Seoul"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_moment(text)


@pytest.mark.parametrize("words", [["severity"], ["=x"], ["a=1", "a=2"]])
def test_what_is_no_label_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        read_labels(words)
