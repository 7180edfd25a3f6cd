from __future__ import annotations

import pytest

from bongsu.core.backups import DAY, HOUR, Schedule
from bongsu.core.manifest import parse_manifest
from tests.unit.core.test_manifest import SMALL

BACKUPS = """\
stores:
  - {name: postgres, kind: postgresql, env: DATABASE_URL}
backups:
  configuration: [notes]
  repositories:
    - {name: a, path: repositories/a}
    - {name: b, path: /mnt/region-b}
  schedule: {database_incremental: 30m, keep: 7d}
"""


def test_what_a_manifest_does_not_say_about_its_schedule_is_the_promised_default() -> None:
    manifest, problems = parse_manifest(SMALL + BACKUPS)
    assert problems == []
    assert manifest is not None
    assert manifest.backups is not None
    schedule = manifest.backups.schedule
    assert (schedule.database_incremental, schedule.keep) == (1800.0, 7 * DAY)
    assert (schedule.database_full, schedule.vectors_full, schedule.vectors_incremental) == (DAY, 7 * DAY, DAY)


def test_the_cadence_of_a_part_is_its_more_frequent_copy() -> None:
    assert Schedule().cadence() == {"database": HOUR, "vectors": DAY, "configuration": HOUR}


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("    - {name: b, path: /mnt/region-b}\n", "", "backups/one-place", "1 repository"),
        ("/mnt/region-b", "repositories/a", "backups/one-place", "two repositories at 'repositories/a'"),
        ("name: b,", "name: a,", "backups/one-place", "two repositories at 'a'"),
        ("name: b,", "name: ../b,", "spec/value", "is no short name"),
        ("[notes]", "[../etc]", "spec/value", "leaves the repository"),
        ("keep: 7d", "keep: 0s", "spec/value", "longer than nothing"),
        ("keep: 7d", "keep: always", "spec/value", "always"),
        ("keep: 7d", "kept: 7d", "spec/unknown-key", "kept"),
    ],
)
def test_each_mistake_in_backups_is_reported_with_its_place(old: str, new: str, code: str, message: str) -> None:
    _, problems = parse_manifest(SMALL + BACKUPS.replace(old, new))
    assert [problem for problem in problems if problem.code == code and message in problem.what], problems
    assert all(problem.span.line > SMALL.count("\n") for problem in problems)
