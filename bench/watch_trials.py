"""How soon `bongsu watch` notices a dead Prometheus, Alertmanager or receiver, with the intervals of production.

Each part is killed by kill -9 in a chain of its own: rules evaluated every 15 s, heartbeats every 10 to 15 s, 45 s of
silence count as dead. Noticed means that the message has arrived on the watcher's own channel and names the part.
The bar: at most 60 s each, one message each.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from pathlib import Path

from bench.support.figures import Figures
from tests.real.support.alerting_chain import PARTS, chain, settle
from tests.real.support.waiting import until

BAR, PATIENCE = 60.0, 180.0


def run() -> int:
    """Kill each part, print how long it took and the verdict."""
    figures = Figures()
    for part in PARTS:
        with (
            tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder,
            chain(Path(folder), "15s", "45s") as world,
        ):
            settle(world)
            world.parts[part].send_signal(signal.SIGKILL)
            killed = time.monotonic()
            told = until(world.told, f"a message about {part}", PATIENCE)
            took = time.monotonic() - killed
        named = [one["part"] for one in told] == [part]
        said = f"{took:.1f} s" if named else f"{took:.1f} s, but as {told}"
        figures.bar(f"dead {part} noticed after", said, f"at most {BAR:g} s", good=named and took <= BAR)
    return figures.code()


if __name__ == "__main__":
    sys.exit(run())
