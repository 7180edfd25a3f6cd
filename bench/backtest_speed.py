"""How long `bongsu backtest` takes: 30 days every 15 seconds, all tiers of one SLO, on a real Prometheus.

Prints what it found as well, because a fast answer that misses incidents is worth nothing. Exit 1 above 60 s or below
100 % recall or 95 % precision of pages and tickets.
"""

from __future__ import annotations

import io
import re
import sys
import time
from pathlib import Path

from bench.support.figures import Figures
from bongsu.cli.main import main

ROOT = Path(__file__).parents[1]
SECONDS, PRECISION = 60.0, 95.0
SEVERITIES = 2
"""Pages and tickets are judged apart."""


def run() -> int:
    """Run the verb once and compare with the bars."""
    out, err = io.StringIO(), io.StringIO()
    began = time.monotonic()
    code = main(["--root", str(ROOT), "backtest", "research-assistant-answers-succeed"], out, err)
    took = time.monotonic() - began
    print(out.getvalue() or err.getvalue())
    precisions = [float(found) for found in re.findall(r"precision ([0-9.]+)%", out.getvalue())]
    figures = Figures()
    figures.bar("backtest of 30 d at 15 s, all tiers", f"{took:.1f} s", f"at most {SECONDS:g} s", good=took <= SECONDS)
    figures.bar("every labelled incident found", "yes" if code == 0 else "no", "yes", good=code == 0)
    worst = min(precisions) if len(precisions) == SEVERITIES else 0.0
    figures.bar(
        "precision, the worse of pages and tickets",
        f"{worst:g} %",
        f"at least {PRECISION:g} %",
        good=worst >= PRECISION,
    )
    return figures.code()


if __name__ == "__main__":
    sys.exit(run())
