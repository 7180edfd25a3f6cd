"""Turn the text of an answer into HTML that can do nothing but be read, and its markers [1] into links to the sources.

Two walls: markdown-it takes no HTML from the text, and nh3 lets through only what is listed here, whoever wrote it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Collection

    from markdown_it.rules_inline import StateInline

TAGS = frozenset({"p", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "br", "a"})
REL = "noopener noreferrer"
_HREF = re.compile(r"https?://[^\s]+|#source-[1-9]\d{0,3}", re.IGNORECASE)
_MARKER = re.compile(r"\[([1-9]\d{0,3})\](?!\()")


def answer_html(text: str, numbers: Collection[int]) -> Markup:
    """Return the answer as HTML; `numbers` are those of its citations, any other marker stays text."""
    markdown = MarkdownIt("commonmark", {"html": False})
    markdown.disable(["heading", "lheading", "hr", "image", "html_block", "html_inline", "reference"])
    markdown.inline.ruler.before("link", "source", _marker_rule(frozenset(numbers)))
    return clean(markdown.render(text))


def clean(html: str) -> Markup:
    """Return `html` without anything that is not listed: tags, attributes and every address but http(s) and sources."""
    return Markup(  # noqa: S704 - the one place where text becomes HTML, and nh3 has just been through it
        nh3.clean(
            html,
            tags=set(TAGS),
            attributes={"a": {"href"}},
            attribute_filter=_checked,
            link_rel=REL,
            url_schemes={"http", "https"},
        )
    )


def _checked(_tag: str, name: str, value: str) -> str | None:
    return value if name == "rel" or _HREF.fullmatch(value) else None


def _marker_rule(numbers: frozenset[int]) -> Any:
    """Return the inline rule that makes a link of `[n]` when `n` is the number of a citation."""

    def rule(state: StateInline, silent: bool) -> bool:
        match = _MARKER.match(state.src, state.pos, state.posMax)
        if match is None or int(match[1]) not in numbers:
            return False
        if not silent:
            state.push("link_open", "a", 1).attrs = {"href": f"#source-{match[1]}"}
            state.push("text", "", 0).content = match[0]
            state.push("link_close", "a", -1)
        state.pos = match.end()
        return True

    return rule
