"""Run the local search: `python -m bongsu.local.search --corpus FOLDER --port 8093`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.local import serving
from bongsu.local.search.app import build
from bongsu.local.search.corpus import load
from bongsu.local.search.rank import Index

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bongsu.local.search", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--corpus", type=Path, required=True, help="folder of Markdown pages")
    options = parser.parse_args(argv)

    def start() -> None:
        index = Index(load(options.corpus))
        sock = serving.bind(options.port)
        url = f"http://{serving.HOST}:{serving.port_of(sock)}"
        serving.announce("search", url=url)
        serving.serve(build(index, url), sock)

    return serving.run_edge(start)


if __name__ == "__main__":
    sys.exit(main())
