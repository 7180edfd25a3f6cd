"""What is private does not come through, what only looks so does; each finder is needed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bench.redaction import MAX_LOST, MIN_ITEMS, lost_tokens
from bench.support.private import clean_corpus, corpus
from bench.support.sinks import leaks
from bongsu.telemetry.redact import ALL, Cleaner, clean

ITEMS = corpus(seed=7, count=600)
FEW = ITEMS[:150]
"""Enough to hold every kind in every form; a finder that is missing leaks many of them."""
LONGER_THAN_A_LABEL = ("jwt",)
"""Cut off with the label value: the judge looks for the whole item."""
NOT_IN_THE_CORPUS = ("social-security-number", "iban")


def test_nothing_planted_is_written_to_logs_traces_or_labels(tmp_path: Path) -> None:
    assert len(ITEMS) >= MIN_ITEMS
    assert leaks(ITEMS, tmp_path, clean) == {"log": [], "trace": [], "label": []}


def test_clean_text_stays_readable() -> None:
    lost, total = lost_tokens(clean_corpus(seed=7, count=600), clean)
    assert lost <= MAX_LOST * total


@pytest.mark.parametrize("off", [f.name for f in ALL if f.name not in NOT_IN_THE_CORPUS])
def test_one_finder_off_is_a_leak_in_every_sink(off: str, tmp_path: Path) -> None:
    redact = Cleaner([finder for finder in ALL if finder.name != off]).clean
    found = leaks(FEW, tmp_path, redact)
    assert found["log"]
    assert found["trace"]
    assert found["label"] or off in LONGER_THAN_A_LABEL


def test_the_corpus_knows_nothing_of_the_redactor() -> None:
    source = Path(__file__).parents[3] / "bench/support/private.py"
    imported = re.findall(r"^\s*(?:from|import) ([\w.]+)", source.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(imported) <= sys.stdlib_module_names | {"__future__", "collections.abc", "urllib.parse"}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("IBAN DE89370400440532013000 given", "DE89370400440532013000"),
        ("ssn 536-90-4399 on file", "536-90-4399"),
        ("사업자등록번호 2208162517 확인", "2208162517"),
        ('headers={"Cookie": "sid=abc123def456; theme=dark"}', "abc123def456"),
        ("Set password='p' and go", "'p'"),
    ],
)
def test_rarer_spellings_are_found_too(text: str, hidden: str) -> None:
    assert hidden not in clean(text)


@pytest.mark.parametrize(
    "text",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "/v1/runs/{run_id}",
        "1764329066123 1764329066 2026-11-28T11:24:26.123456Z 127.0.0.1:8700",
        "4111 1111 1111 1112",
        "991332-1234567",
        "the bearer of bad news needs a token",
    ],
)
def test_what_only_looks_private_stays(text: str) -> None:
    assert clean(text) == text


def test_a_secret_the_process_knows_is_redacted_wherever_it_stands() -> None:
    cleaner = Cleaner(())
    cleaner.remember("correct horse")
    cleaner.remember("short")
    assert cleaner.clean("xxcorrect horseyy short") == "xx[redacted:own-secret]yy short"
