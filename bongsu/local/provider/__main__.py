"""Run the local provider: `python -m bongsu.local.provider --port 8091 --name primary`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bongsu.local import serving
from bongsu.local.provider.app import Provider, build

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bongsu.local.provider", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="delay of each answer, ±20 %% (default 0)")
    parser.add_argument("--seed", type=int, default=0, help="seed of identifiers and delays (default 0)")
    parser.add_argument("--name", default="primary", help="name of this endpoint (default primary)")
    options = parser.parse_args(argv)

    def start() -> None:
        sock = serving.bind(options.port)
        provider = Provider(name=options.name, latency_ms=options.latency_ms, seed=options.seed)
        serving.announce("provider", url=f"http://{serving.HOST}:{serving.port_of(sock)}")
        serving.serve(build(provider), sock)

    return serving.run_edge(start)


if __name__ == "__main__":
    sys.exit(main())
