from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.core.errors import StateError, UsageError
from bongsu.local.search.corpus import load, page, slug_of


def test_the_first_heading_is_the_title() -> None:
    assert page("x", "intro text\n\n## Retry *budgets*\n").title == "Retry budgets"
    assert page("retry", "no heading").title == "retry"


def test_blocks_are_the_text_a_reader_sees() -> None:
    shown = page("x", "# T\n\nA `retry` **budget**\ncaps [retries](http://e.org).\n\n- one point\n\n```\ncode\n```\n")
    assert shown.blocks == ("A retry budget caps retries.", "one point")


def test_scripts_and_dangerous_links_do_not_survive() -> None:
    shown = page("x", "<script>alert(1)</script>\n\n[a](javascript:alert(1)) <img src=x onerror=alert(1)>\n")
    assert "<script" not in shown.html
    assert "<img" not in shown.html
    assert "href=" not in shown.html


def test_a_slug_keeps_letters_of_any_script() -> None:
    assert slug_of("guides/Retry Budgets!") == "guides-retry-budgets"
    assert slug_of("재시도 예산") == "재시도-예산"
    assert slug_of("../../etc/passwd") == "etc-passwd"


def test_two_files_with_one_slug_are_reported_with_both_names(tmp_path: Path) -> None:
    (tmp_path / "a b.md").write_text("one")
    (tmp_path / "a-b.md").write_text("two")
    with pytest.raises(StateError, match=r"a b\.md and .*a-b\.md both become /pages/a-b"):
        load(tmp_path)


def test_a_folder_without_pages_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("not a page")
    with pytest.raises(UsageError, match="no Markdown page"):
        load(tmp_path)
    with pytest.raises(UsageError, match="not a folder"):
        load(tmp_path / "absent")


def test_a_page_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe")
    with pytest.raises(StateError, match="not UTF-8") as caught:
        load(tmp_path)
    assert caught.value.where.endswith("bad.md")
