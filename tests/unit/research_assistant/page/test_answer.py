from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from research_assistant.page import answer
from research_assistant.page.answer import REL, TAGS, answer_html, clean

NUMBERS = frozenset({1, 2, 3})
PIECES = [
    *("<script>alert(1)</script>", "<script src=//x>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>"),
    *("<a href=javascript:alert(1)>x</a>", "<iframe srcdoc='<script>'>", "<style>*{}</style>", "<base href=//evil>"),
    *(
        "[x](javascript:alert(1))",
        "[x](JaVa\tScript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html,y)",
    ),
    *("[x](vbscript:y)", "[x](/sign-out)", "[x](mailto:a@b.c)", "[x](//evil.example)", "[x](#content)", "![x](data:a)"),
    *(
        "<javascript:alert(1)>",
        "<https://good.example/[1]>",
        '[x](https://good.example "a\\" onclick=y")',
        "[1]",
        "[9]",
    ),
    *(
        "[1](https://good.example)",
        "[1][2]",
        "[1]: javascript:x",
        "`",
        "**",
        "_",
        "\n\n",
        "\n- ",
        "\n> ",
        "```\n",
        "&lt;",
        "\\",
    ),
    *(
        '"',
        "'",
        ">",
        "<",
        "</p>",
        "]]>",
        "<!--",
        "\0",
        "\ufffd",
        "a",
        " ",
        "\u202e",
        "<math><mtext><table><mglyph><style>",
    ),
]
texts = st.one_of(st.text(), st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4))).map("".join))


class Judge(HTMLParser):
    """Read HTML as a browser would, and note whatever could do more than be read."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in TAGS:
            self.wrong.append(f"<{tag}>")
        self.wrong += [f"{tag} {name}" for name in given if tag != "a" or name not in {"href", "rel"}]
        if (href := given.get("href")) is not None:
            self.links.append(href)
            self.wrong += [] if self._leads_out_or_to_a_source(href) else [f"href {href}"]
            self.wrong += [] if given.get("rel") == REL else [f"rel {given.get('rel')}"]

    def _leads_out_or_to_a_source(self, href: str) -> bool:
        parts = urlsplit(href)
        return bool(parts.scheme in {"http", "https"} and parts.netloc) or href.startswith("#source-")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(f"declaration {decl}")


def judged(html: str) -> Judge:
    judge = Judge()
    judge.feed(html)
    judge.close()
    return judge


@given(texts)
def test_no_answer_can_do_more_than_be_read(text: str) -> None:
    assert judged(answer_html(text, NUMBERS)).wrong == []


@given(texts)
def test_the_sanitiser_alone_would_be_enough(html: str) -> None:
    assert judged(clean(html)).wrong == []


@given(texts)
def test_sanitising_again_changes_nothing(text: str) -> None:
    once = answer_html(text, NUMBERS)
    assert clean(once) == once


def test_markers_of_citations_become_links_and_others_stay_text() -> None:
    html = answer_html("A fact. [1] Two facts. [2][3] No source. [9] Code `[1]`.", NUMBERS)
    assert judged(html).links == ["#source-1", "#source-2", "#source-3"]
    assert "[9]" in html
    assert "<code>[1]</code>" in html


def test_what_markdown_means_is_kept() -> None:
    html = answer_html("**Bold** and _soft_\n\n- one\n- two\n\n[out](https://example.org/a?b=c)", NUMBERS)
    assert "<strong>Bold</strong>" in html
    assert html.count("<li>") == 2
    assert judged(html).links == ["https://example.org/a?b=c"]


def test_html_in_an_answer_is_shown_and_not_obeyed() -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer_html("<script>alert(1)</script>", NUMBERS)


def off(html: str, **_: object) -> str:
    return html


def without_filter(html: str, **arguments: object) -> str:
    return nh3.clean(html, **{name: value for name, value in arguments.items() if name != "attribute_filter"})  # type: ignore[arg-type]


@pytest.mark.parametrize("loosened", [off, without_filter])
def test_a_sanitiser_that_is_off_or_loosened_is_noticed(monkeypatch: pytest.MonkeyPatch, loosened: object) -> None:
    class Loosened:
        clean = staticmethod(loosened)  # type: ignore[arg-type]

    monkeypatch.setattr(answer, "nh3", Loosened)
    assert judged(answer_html("A fact. [1] [x](/sign-out)", NUMBERS)).wrong != []


def test_html_let_through_by_markdown_is_noticed_without_the_sanitiser() -> None:
    html = MarkdownIt("commonmark", {"html": True}).render("<img src=x onerror=alert(1)>")
    assert judged(html).wrong == ["<img>", "img src", "img onerror"]
    assert judged(clean(html)).wrong == []
