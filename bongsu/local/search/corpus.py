"""Load Markdown pages: title, plain text and sanitised HTML of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import nh3
from markdown_it import MarkdownIt

from bongsu.core.errors import StateError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from markdown_it.token import Token

MAX_PAGE_BYTES = 1024 * 1024
NOT_PAGES = frozenset({"README.md"})

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_NOT_SLUG = re.compile(r"[^\w]+")
_ALLOWED_TAGS = set(
    """
    h1 h2 h3 h4 h5 h6 p ul ol li blockquote pre code em strong s a hr br table thead tbody tr th td
    """.split()  # noqa: SIM905 - one word a line would be a page
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: `blocks` are its paragraphs as a reader sees them, without markup; `html` is safe to serve."""

    slug: str
    title: str
    blocks: tuple[str, ...]
    html: str


def load(folder: Path) -> list[Page]:
    """Return the pages of all *.md files under `folder` (README.md files aside), sorted by slug.

    Raises UsageError when there is no folder or no page, StateError for an unreadable page or a slug taken twice.
    """
    if not folder.is_dir():
        raise UsageError(
            "the corpus is not a folder", where=str(folder), next="give --corpus a folder of Markdown files"
        )
    files: dict[str, Path] = {}
    for file in sorted(folder.rglob("*.md")):
        if file.name in NOT_PAGES or not file.is_file():
            continue
        slug = slug_of(file.relative_to(folder).with_suffix("").as_posix())
        if slug in files:
            raise StateError(f"{files[slug]} and {file} both become /pages/{slug}", next="rename one of them")
        files[slug] = file
    if not files:
        raise UsageError(
            "the corpus holds no Markdown page", where=str(folder), next="give --corpus a folder of *.md files"
        )
    return [page(slug, _read(file)) for slug, file in sorted(files.items())]


def slug_of(name: str) -> str:
    """Return the last part of a page's address: lower case words joined by hyphens; letters of any script stay."""
    return _NOT_SLUG.sub("-", name.lower()).strip("-") or "page"


def page(slug: str, markdown: str) -> Page:
    """Return the page of a Markdown text; its title is the first heading, else the slug."""
    tokens = _MARKDOWN.parse(markdown)
    inline = [(before.type, _plain(token)) for before, token in pairwise(tokens) if token.type == "inline"]
    headings = [text for before, text in inline if before == "heading_open"]
    blocks = [text for before, text in inline if before not in ("heading_open", "th_open")]
    html = nh3.clean(
        _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}),
        tags=_ALLOWED_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Page(slug, headings[0] if headings else slug, tuple(block for block in blocks if block), html)


def _plain(token: Token) -> str:
    """Return the text of an inline token as a browser shows it, on one line."""
    parts = [" " if child.type in ("softbreak", "hardbreak") else child.content for child in token.children or []]
    return " ".join("".join(parts).split())


def _read(file: Path) -> str:
    size = file.stat().st_size
    if size > MAX_PAGE_BYTES:
        raise StateError(f"the page has {size} bytes, the limit is {MAX_PAGE_BYTES}", where=str(file), next="split it")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StateError(f"the page is not UTF-8: {error.reason}", where=str(file), next="save it as UTF-8") from error
