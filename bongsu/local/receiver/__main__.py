"""Run the notification receiver: `python -m bongsu.local.receiver --port 8094 --smtp-port 8025 --folder FOLDER`."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.local import serving
from bongsu.local.receiver.app import build
from bongsu.local.receiver.record import CHANNELS, DELIVERY_CHANNELS, Record

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bongsu.local.receiver", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="HTTP port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--smtp-port", type=int, required=True, help="SMTP port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--folder", type=Path, required=True, help="where the JSONL record is kept")
    parser.add_argument(
        "--drop",
        action="append",
        default=[],
        choices=(*CHANNELS, *DELIVERY_CHANNELS),
        help="answer this channel and forget it (planted defect; repeatable)",
    )
    options = parser.parse_args(argv)

    def start() -> None:
        sock, smtp = serving.bind(options.port), serving.bind(options.smtp_port)
        record = Record(options.folder, now=time.time, dropped=frozenset(options.drop))
        with closing(record):
            serving.announce(
                "receiver",
                url=f"http://{serving.HOST}:{serving.port_of(sock)}",
                smtp=f"{serving.HOST}:{serving.port_of(smtp)}",
            )
            serving.serve(build(record, smtp), sock)

    return serving.run_edge(start)


if __name__ == "__main__":
    sys.exit(main())
