"""What a change of a file means to whoever is on call, said by `bongsu diff`."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from bongsu.cli.diff import unpack
from tests.golden.scenario import bongsu, build

ROUTES, ERRORS, SLO = "alerts/routes.yaml", "alerts/errors.yaml", "slo/shop.yaml"


def diff(tmp_path: Path, file: str, old: str, new: str, *options: str) -> tuple[int, str]:
    before, after = build(tmp_path / "before"), build(tmp_path / "after")
    text = (after / file).read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (after / file).write_text(text.replace(old, new), encoding="utf-8")
    code, out, err = bongsu(before, "diff", str(before), str(after), *options)
    assert not err
    return code, out


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (ERRORS, "{threshold: 50}", "{threshold: 60}", "alert ErrorsMany\n  critical: at 60, was at 50\n"),
        (ERRORS, "expr: |", "for: 5m\nexpr: |", "  critical: at 50 for 5m, was at 50\n"),
        (ERRORS, "expr: |", "keep_firing_for: 5m\nexpr: |", "  critical: at 50, firing on for 5m, was at 50\n"),
        (ERRORS, "  warning: {threshold: 10}\n", "", "  warning: gone, was at 10\n"),
        (
            ERRORS,
            "Many errors.",
            "Too many errors.",
            "  summary: Too many errors. / 오류가 많습니다., was Many errors.",
        ),
        (ERRORS, "[1h]", "[2h]", "  expression: sum(increase(bongsu_errors_total[2h]))"),
        (SLO, "target: 0.99", "target: 0.9", "  promise: 90% over 30d, was 99% over 30d\n"),
        (SLO, "  annotations:", "  labels: {team: a}\n  annotations:", "  labels: team=a (new)\n"),
        (ROUTES, "group_wait: 0s", "group_wait: 10s", "group_wait 10s"),
        (ROUTES, "channels: [note]", "channels: [record]", "channels record"),
        ("runbooks/RunsBurn.ko.md", "# RunsBurn", "# RunsBurn \n", "  runbooks/RunsBurn.ko.md: the text changed\n"),
    ],
)
def test_a_change_is_said_in_words(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    code, out = diff(tmp_path, file, old, new)
    assert code == 1
    assert said in out


def test_another_objective_says_when_a_total_outage_would_be_noticed(tmp_path: Path) -> None:
    _, out = diff(tmp_path, SLO, "target: 0.99", "target: 0.9")
    assert "  tier fast: critical, 5.5 x budget" in out
    assert "a total outage fires it after 2m45s" in out
    assert "was critical, 14.4 x budget" in out


@pytest.mark.parametrize(
    ("old", "new"), [("{en: Many", "{  en: Many"), ("apiVersion", "# a comment\napiVersion"), ("[1h])) >", "[1h]))  >")]
)
def test_a_change_of_form_changes_nothing_for_whoever_is_on_call(tmp_path: Path, old: str, new: str) -> None:
    assert diff(tmp_path, ERRORS, old, new) == (0, "nothing changes for whoever is on call\n")


def test_the_same_is_told_to_programs(tmp_path: Path) -> None:
    code, out = diff(tmp_path, ERRORS, "{threshold: 50}", "{threshold: 60}", "--json")
    assert code == 1
    assert json.loads(out) == [{"subject": "alert ErrorsMany", "what": "critical", "old": "at 50", "new": "at 60"}]


def test_a_revision_of_git_is_compared_without_touching_the_tree(tmp_path: Path) -> None:
    root = build(tmp_path / "project")
    git = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for argv in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *argv], check=True)
    (root / ERRORS).write_text((root / ERRORS).read_text().replace("{threshold: 50}", "{threshold: 70}"))
    code, out, _ = bongsu(root, "diff", "HEAD", str(root))
    assert (code, out) == (1, "alert ErrorsMany\n  critical: at 70, was at 50\n")
    status = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True, text=True).stdout
    assert status == f" M {ERRORS}\n"


def test_nothing_of_an_archive_lands_outside_its_folder(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("slo/in.yaml", "../out.yaml", str(tmp_path / "absolute.yaml")):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    unpack(archive, tmp_path / "tree")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == [
        "a.tar",
        "tree/slo/in.yaml",
    ]


@pytest.mark.parametrize("name", ["nosuch", "--output=x"])
def test_what_is_neither_a_folder_nor_a_revision_is_a_wrong_use(tmp_path: Path, name: str) -> None:
    root = build(tmp_path / "project")
    assert bongsu(root, "diff", "--", name, str(root))[0] == 2


def test_a_catalogue_with_errors_is_not_compared(tmp_path: Path) -> None:
    before, after = build(tmp_path / "before"), build(tmp_path / "after")
    (after / ERRORS).write_text((after / ERRORS).read_text().replace("threshold: 50", "treshold: 50"))
    code, out, err = bongsu(before, "diff", str(before), str(after))
    assert (code, out) == (1, "")
    assert "did you mean" in err
