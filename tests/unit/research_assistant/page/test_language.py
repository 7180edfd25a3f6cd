from __future__ import annotations

import re
from pathlib import Path

import pytest
from research_assistant.page import language
from research_assistant.page.language import LANGUAGES, WORDS, Words, preferred

from bongsu.core.conventions import ERROR_KINDS, NODES

FOLDER = Path(language.FOLDER)
PLACE = re.compile(r"\{(\w+)\}")


def differences(one: Words, other: Words) -> list[str]:
    """Return what one language says and the other does not, or says with other places."""
    keys = sorted(set(one.texts) ^ set(other.texts))
    places = [
        key
        for key in set(one.texts) & set(other.texts)
        if sorted(PLACE.findall(one.texts[key])) != sorted(PLACE.findall(other.texts[key]))
    ]
    return keys + sorted(places)


def test_every_language_says_the_same() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(LANGUAGES)
    for name in LANGUAGES:
        assert differences(WORDS["en"], WORDS[name]) == []


def test_a_missing_text_or_place_is_noticed() -> None:
    whole = WORDS["en"]
    without = Words("xx", {key: text for key, text in whole.texts.items() if key != "ask.button"})
    assert differences(whole, without) == ["ask.button"]
    assert differences(whole, Words("xx", {**whole.texts, "run.seconds": "seconds"})) == ["run.seconds"]


def test_korean_is_korean() -> None:
    latin = [key for key, text in WORDS["ko"].texts.items() if not re.search("[가-힣]", text)]
    assert latin == ["run.cost"]


def test_every_kind_of_failure_and_every_node_has_its_words() -> None:
    texts = WORDS["en"].texts
    assert {f"failure.{kind}" for kind in ERROR_KINDS} <= set(texts)
    assert {f"node.{node}" for node in NODES} <= set(texts)


def test_every_text_is_used_somewhere() -> None:
    source = "".join(path.read_text() for path in FOLDER.parent.rglob("*") if path.suffix in {".py", ".html", ".js"})
    groups = ("event.", "node.", "step.", "state.", "failure.", "error.", "source.")
    unused = [
        key for key in WORDS["en"].texts if not key.startswith(groups) and f'"{key}"' not in source.replace("'", '"')
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", "en"),
        ("fr, ko;q=0.5", "ko"),
        ("en;q=0.1, KO;q=0.2", "ko"),
        ("ko;q=0", "en"),
        ("ko;q=nonsense", "en"),
        ("*", "en"),
        (",;=,ko;x=1", "ko"),
    ],
)
def test_the_browsers_language_is_taken(header: str, expected: str) -> None:
    assert preferred(header) == expected
