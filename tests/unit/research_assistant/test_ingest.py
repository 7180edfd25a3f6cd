from __future__ import annotations

from pathlib import Path

import pytest
from research_assistant.ingest import MAX_FILE_BYTES, Source, Summary, find, read

from bongsu.core.errors import UsageError


def source(folder: Path, data: bytes) -> Source:
    file = folder / "doc.md"
    file.write_bytes(data)
    return Source(file, "doc.md")


def test_a_folder_is_searched_without_its_hidden_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("docs/b.md", "docs/a.txt", "docs/deep/c.md", "docs/.hidden.md", "docs/.git/d.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "docs/loop").symlink_to(tmp_path)
    assert [found.name for found in find([Path("docs")])] == ["docs/a.txt", "docs/b.md", "docs/deep/c.md"]


def test_a_file_given_twice_is_ingested_once_and_under_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").touch()
    monkeypatch.chdir(tmp_path / "docs")
    assert [found.name for found in find([Path("a.md"), tmp_path / "docs", Path("../docs/a.md")])] == ["a.md"]


def test_every_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"not found: .*no\.md, .*nowhere"):
        list(find([tmp_path / "no.md", tmp_path, tmp_path / "nowhere"]))


def test_text_comes_without_byte_order_mark_and_carriage_returns(tmp_path: Path) -> None:
    assert read(source(tmp_path, "\ufeff한글\r\nzwei".encode())) == "한글\nzwei"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"caf\xe9", "not UTF-8 (byte 3)"),
        (b"a\0b", "NUL"),
        (b"x" * (MAX_FILE_BYTES + 1), f"longer than {MAX_FILE_BYTES} bytes"),
    ],
    ids=["latin-1", "binary", "too long"],
)
def test_a_file_that_is_no_text_is_named_with_its_reason(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(source(tmp_path, data))
    assert str(raised.value).startswith("doc.md: ")
    assert why in str(raised.value)


def test_the_summary_names_what_was_skipped() -> None:
    summary = Summary(changed=2, unchanged=3, chunks=9, skipped=["logo.png"], wrong=["a.md: not UTF-8"])
    assert str(summary) == "2 changed (9 chunks); 3 unchanged; 1 skipped (logo.png); 1 not readable"
