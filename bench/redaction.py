"""Plant personal data and secrets in logs, traces and labels, and look for them in what was written.

The corpus is generated from seeded templates by bench/support/private.py, which imports nothing of the redactor.
`--without NAME` turns one finder off: the bench must then fail. Prints leaks for each sink and the share of clean
tokens that were lost; exit 1 on a leak or above 1 %.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.support.figures import Figures
from bench.support.private import clean_corpus, corpus
from bench.support.sinks import SINKS, leaks
from bongsu.telemetry.redact import ALL, Cleaner

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.support.sinks import Redact

MIN_ITEMS = 500
MAX_LOST = 0.01


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; return 1 when one falls short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", choices=[finder.name for finder in ALL], default=None)
    args = parser.parse_args(argv)
    redact = Cleaner([finder for finder in ALL if finder.name != args.without]).clean
    figures = Figures()
    items = corpus(args.seed, args.items)
    languages = sum(any("\uac00" <= c <= "\ud7a3" for c in item.text) for item in items)
    figures.bar(
        "planted items",
        f"{len(items)}, {languages} of them in Korean text",
        f">= {MIN_ITEMS}",
        good=len(items) >= MIN_ITEMS,
    )
    with tempfile.TemporaryDirectory(prefix="bongsu-redaction-") as folder:
        found = leaks(items, Path(folder), redact)
    for sink in SINKS:
        kinds = Counter(f"{item.kind} in {item.form}" for item in found[sink])
        told = f"{len(found[sink])} leaks" + (f": {kinds.most_common(3)}" if kinds else "")
        figures.bar(f"{sink} lines", told, "0", good=not kinds)
    lost, total = lost_tokens(clean_corpus(args.seed, args.items), redact)
    figures.bar("clean tokens lost", f"{lost} of {total} ({lost / total:.2%})", "<= 1 %", good=lost <= MAX_LOST * total)
    figures.note("CPU of one clean text", f"{_cpu_micros(clean_corpus(args.seed, 500), redact):.0f} us")
    return figures.code()


def lost_tokens(texts: Iterable[str], redact: Redact) -> tuple[int, int]:
    """Return how many words between blanks did not come through, and of how many."""
    lost = total = 0
    for text in texts:
        words = Counter(text.split())
        total += words.total()
        lost += (words - Counter(redact(text).split())).total()
    return lost, total


def _cpu_micros(texts: Sequence[str], redact: Redact) -> float:
    started = time.process_time()
    for text in texts:
        redact(text)
    return (time.process_time() - started) / len(texts) * 1e6


if __name__ == "__main__":
    sys.exit(main())
