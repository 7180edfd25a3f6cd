"""Labels of alerts name them: which templates leave the name alone, and which texts Prometheus can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.cli.catalogue import check_all, load_catalogue
from tests.golden.scenario import build

NAME = "name: ErrorsMany\n"


def complaints(root: Path, label: str) -> list[tuple[str, str]]:
    """Return what is said of an alert of the small world with this label."""
    file = build(root) / "alerts/errors.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(NAME, f"{NAME}labels:\n  {label}\n"), encoding="utf-8")
    return [(p.code, p.what) for p in check_all(load_catalogue(root))]


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "$value is only text",
        "{{ $labels.job }}",
        "{{ $labels.query }}",
        "{{ $labels.Value }}",
        "{{ $externalURL }}",
        "{{ $x := $labels.job }}{{ $x }}",
        '{{ reReplaceAll "$value" "x" "{{" }}',
    ],
)
def test_a_label_that_comes_from_the_labels_of_the_series_is_left_alone(tmp_path: Path, text: str) -> None:
    assert complaints(tmp_path, f"x: '{text}'") == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{{ $value }}", "changes with the value"),
        ("at {{ printf `%.1f` $value }}", "changes with the value"),
        ("{{ . | first | value }}{{ .Value }}", "changes with the value"),
        ('{{ query "up" | first | value }}', "changes with the value"),
        ("{{ $labels.job }", "has a {{ without its }}"),
        ("}} {{", "has a {{ without its }}"),
        ("{{ $labels.job }} {{ {{ x }}", "has a {{ without its }}"),
        ("{{ $lables.job }}", "uses $lables, which Prometheus does not know"),
    ],
)
def test_a_label_that_changes_or_cannot_be_read_is_an_error(tmp_path: Path, text: str, what: str) -> None:
    assert complaints(tmp_path, f"x: '{text}'") == [("alert/template", f"ErrorsMany: label x {what}")]


@pytest.mark.parametrize("name", ["alertname", "severity", "service", "rule", "__name__", "__tmp", "a-b"])
def test_a_label_that_is_ours_or_prometheus_own_cannot_be_set(tmp_path: Path, name: str) -> None:
    assert complaints(tmp_path, f"{name}: x") == [("spec/value", f"the label {name!r} cannot be set here")]
