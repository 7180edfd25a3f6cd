from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from research_assistant.citations import normalised
from research_assistant.page.quote import mark, web_address

QUOTE = 'The token grows by one each "time" it is claimed.'


@pytest.mark.parametrize(
    "written",
    [
        QUOTE,
        "The token grows\nby one each \u201ctime\u201d it\nis claimed.",
        "the **token** grows by `one` each *\u201ctime\u201d* it is claimed.",
        '> The token grows\n> by one each "time"\n> it is claimed.',
        '- The token grows by\n  one each "time" it is claimed.',
    ],
)
def test_a_quote_is_found_however_the_document_writes_it(written: str) -> None:
    document = f"# Leases\n\nBefore. {written} After."
    marked = mark(document, QUOTE)
    assert (marked.before + marked.quote + marked.after) == document
    assert normalised(marked.quote.replace("> ", "")) == normalised(QUOTE)
    assert marked.after == " After."


@pytest.mark.parametrize("quote", ["", " ", "Something else.", "word " * 1_000])
def test_a_quote_that_is_not_there_marks_nothing(quote: str) -> None:
    assert mark("The document.", quote).quote == ""
    assert mark("The document.", quote).before == "The document."


@given(st.text(), st.text())
def test_marking_loses_nothing_of_the_document(document: str, quote: str) -> None:
    marked = mark(document, quote)
    assert marked.before + marked.quote + marked.after == document


def test_a_page_of_the_web_opens_at_the_quote() -> None:
    assert web_address("https://example.org/a", "Short, and well-known.") == (
        "https://example.org/a#:~:text=Short%2C%20and%20well%2Dknown."
    )
    long = " ".join(f"w{n}" for n in range(20))
    assert web_address("http://example.org/a#part", long).endswith(
        "#part:~:text=w0%20w1%20w2%20w3%20w4%20w5,w14%20w15%20w16%20w17%20w18%20w19"
    )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "/sign-out",
        "//evil.example",
        "http://",
        "ftp://example.org",
        " java\nscript:alert(1)",
        "http://[",
        "",
    ],
)
def test_nothing_but_http_becomes_a_link(url: str) -> None:
    assert web_address(url, "A quote.") == ""
