from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.core.backups import Schedule
from bongsu.core.conventions import METRICS
from bongsu.stack.keeper import FILE, Gauges, read_notes, write_notes


def test_notes_outlive_the_keeper(tmp_path: Path) -> None:
    notes = read_notes(tmp_path)
    notes.failed["b"], notes.damaged["b"], notes.read_at["b"] = 2, 1, 7.0
    write_notes(tmp_path, notes)
    assert read_notes(tmp_path) == notes
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"watched_since": 1, "strange": 2}'])
def test_damaged_notes_are_begun_anew_and_said(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    assert "begun anew" in read_notes(tmp_path).last["error"]


def test_every_series_is_there_before_the_first_backup() -> None:
    gauges = Gauges(("a", "b"), Schedule().cadence())
    shown = {
        (sample.name, sample.labels.get("repository", ""), sample.labels.get("part", "")): sample.value
        for family in gauges.registry.collect()
        for sample in family.samples
    }
    assert shown["bongsu_backup_last_success_timestamp_seconds", "b", "vectors"] == 0.0
    assert shown["bongsu_wal_covered_timestamp_seconds", "a", ""] == 0.0
    assert shown["bongsu_backup_damaged_files", "a", ""] == 0.0
    assert shown["bongsu_backup_cadence_seconds", "", "database"] == Schedule().database_incremental
    assert shown["bongsu_backup_running_seconds", "", ""] == 0.0
    known = {metric.name for metric in METRICS}
    assert {name for name, _, _ in shown if not name.endswith("_created")} <= known
