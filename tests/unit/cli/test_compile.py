from __future__ import annotations

from pathlib import Path

from tests.golden.scenario import bongsu, build


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_whole_output_is_written_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    root = build(tmp_path)
    code, out, err = bongsu(root, "compile")
    assert (code, err) == (0, "")
    assert out.endswith("5 files compiled, 5 changed\n")
    before = files(root / "deploy")
    assert bongsu(root, "compile") == (0, "5 files compiled, 0 changed\n", "")
    assert files(root / "deploy") == before


def test_what_is_no_longer_declared_is_removed_from_the_output(tmp_path: Path) -> None:
    root = build(tmp_path)
    bongsu(root, "compile")
    stale = root / "deploy/rendered/prometheus/alerts-Gone.rules.yml"
    stale.write_text("old", encoding="utf-8")
    code, out, _ = bongsu(root, "compile")
    assert code == 0
    assert f"{stale} (removed)" in out
    assert not stale.exists()


def test_check_names_each_file_that_differs_and_writes_nothing(tmp_path: Path) -> None:
    root = build(tmp_path)
    bongsu(root, "compile")
    rules = root / "deploy/rendered/prometheus/alerts-ErrorsMany.rules.yml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("> 50", "> 5"), encoding="utf-8")
    before = files(root / "deploy")
    code, out, err = bongsu(root, "compile", "--check")
    assert (code, out) == (1, "")
    assert err == f"{rules}: not what `bongsu compile` would write\nrun `bongsu compile` and commit the result\n"
    assert files(root / "deploy") == before


def test_warnings_are_printed_and_do_not_stop_the_compiler(tmp_path: Path) -> None:
    root = build(tmp_path)
    (root / "runbooks/RunsBurn.ko.md").unlink()
    code, out, err = bongsu(root, "compile")
    assert code == 0
    assert "warning [runbook/untranslated]" in err
    assert "files compiled" in out


def test_the_output_may_go_elsewhere(tmp_path: Path) -> None:
    root = build(tmp_path / "world")
    assert bongsu(root, "compile", "--out", str(tmp_path / "out"))[0] == 0
    assert (tmp_path / "out/alertmanager/alertmanager.yml").is_file()
    assert not (root / "deploy").exists()
