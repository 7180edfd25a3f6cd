from __future__ import annotations

import io
from pathlib import Path

import pytest

from bongsu.cli.catalogue import check_all, compile_all, load_catalogue, require_sound
from bongsu.core.diagnostics import Severity
from bongsu.core.errors import SpecError, UsageError
from tests.golden.scenario import build

ROOT = Path(__file__).parents[3]


def test_the_shipped_catalogues_have_no_error_and_only_unproved_alerts_to_warn_about() -> None:
    problems = check_all(load_catalogue(ROOT))
    assert {problem.severity for problem in problems} == {Severity.WARNING}
    assert {problem.code for problem in problems} == {"alert/unproved"}


def test_a_sound_catalogue_is_returned_and_an_unsound_one_raised_with_all_its_problems(tmp_path: Path) -> None:
    err = io.StringIO()
    catalogue = load_catalogue(build(tmp_path))
    assert require_sound(catalogue, err) is catalogue
    assert err.getvalue() == ""
    (tmp_path / "alerts/routes.yaml").unlink()
    (tmp_path / "slo/shop.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        require_sound(load_catalogue(tmp_path), err)
    assert {problem.span.file for problem in caught.value.problems} == {"alerts/routes.yaml", "slo/shop.yaml"}


def test_warnings_are_counted_and_do_not_stop(tmp_path: Path) -> None:
    build(tmp_path)
    (tmp_path / "runbooks/RunsBurn.ko.md").unlink()
    err = io.StringIO()
    require_sound(load_catalogue(tmp_path), err)
    assert err.getvalue() == "1 warning(s) in the specifications: `bongsu compile` lists them\n"


def test_no_manifest_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no bongsu\.yaml here"):
        load_catalogue(tmp_path)


def test_a_broken_manifest_does_not_hide_what_else_is_broken(tmp_path: Path) -> None:
    build(tmp_path)
    (tmp_path / "bongsu.yaml").write_text("a: [", encoding="utf-8")
    (tmp_path / "slo/shop.yaml").write_text("b: [", encoding="utf-8")
    found = {(problem.span.file, problem.code) for problem in check_all(load_catalogue(tmp_path))}
    assert {("bongsu.yaml", "yaml/syntax"), ("slo/shop.yaml", "yaml/syntax")} <= found


def test_a_missing_folder_and_a_file_that_is_not_utf_8_are_problems(tmp_path: Path) -> None:
    build(tmp_path)
    for file in (tmp_path / "slo").iterdir():
        file.unlink()
    (tmp_path / "slo").rmdir()
    (tmp_path / "dashboards/shop.yaml").write_bytes(b"title: \xff\n")
    found = {(problem.span.file, problem.code) for problem in check_all(load_catalogue(tmp_path))}
    assert {("bongsu.yaml", "spec/no-folder"), ("dashboards/shop.yaml", "yaml/encoding")} <= found


def test_everything_is_compiled_under_the_tool_that_reads_it() -> None:
    files = compile_all(load_catalogue(ROOT))
    rooms = {"prometheus", "alertmanager", "grafana", "kubernetes", "admission"}
    assert {path.split("/")[0] for path in files} == rooms
    assert files == compile_all(load_catalogue(ROOT))


def test_a_time_factor_keeps_every_name_and_label() -> None:
    production, proof = (compile_all(load_catalogue(ROOT), factor=factor) for factor in (1.0, 60.0))
    production = {path: text for path, text in production.items() if not path.startswith("kubernetes/")}
    assert production.keys() == proof.keys()

    def labels(text: str) -> list[str]:
        kept = (
            "- record:",
            "- alert:",
            "severity:",
            "tier:",
            "long:",
            "short:",
            "service:",
            "sloth_",
            "rule:",
            "- name:",
        )
        return [line for line in text.splitlines() if line.strip().startswith(kept)]

    for path, text in production.items():
        assert labels(proof[path]) == labels(text)
    assert proof["grafana/research-assistant.json"] == production["grafana/research-assistant.json"]
