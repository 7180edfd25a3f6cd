"""`bongsu init`: write a manifest, a starter SLO file, alerts, routes, runbooks and a dashboard for another system."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core.artefacts import write_file
from bongsu.core.errors import StateError, UsageError

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

NAME = "init"
HELP = "write a first manifest, SLOs, alerts, routes, runbooks and a dashboard for a LangGraph application"
EXAMPLES = (
    "bongsu init --service travel-agent          # in the root of its repository",
    "bongsu init --service travel-agent --metrics-port 9500 ../travel-agent",
)
STANDS_ALONE = True
"""There is no manifest yet: this verb writes it."""

STARTER = Path(__file__).parents[1] / "starter"
_SERVICE, _PORT = "starter-service", "port: 9400"
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
MIN_PORT, MAX_PORT = 1024, 65535


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="root of the repository (default: here)")
    parser.add_argument("--service", required=True, metavar="NAME", help="1 to 40 of a-z, 0-9 and -")
    parser.add_argument(
        "--metrics-port", type=int, default=9400, metavar="N", help="where the application serves /metrics"
    )


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:  # noqa: ARG001 - the seam of all verbs
    """Write every file or, when one of them is there already, none."""
    files = starter(args.service, args.metrics_port)
    folder: Path = args.folder
    if taken := sorted(name for name in files if (folder / name).exists()):
        raise StateError(
            f"{', '.join(taken)} exist already: nothing was written", where=str(folder), next="move them away first"
        )
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_file(folder / name, text)
        print(folder / name, file=out)
    print(
        "next: wrap the graph with bongsu.telemetry.instrument(graph, "
        f"metrics_port={args.metrics_port}), correct the commands in bongsu.yaml and the addresses in "
        "alerts/routes.yaml, run `bongsu compile`",
        file=out,
    )
    return 0


def starter(service: str, port: int) -> dict[str, str]:
    """Return the files for a service; raise UsageError for a name or port that cannot be used."""
    if not _NAME.fullmatch(service):
        raise UsageError(f"{service!r} is no name for a service", next="use 1 to 40 of a-z, 0-9 and -, a letter first")
    if not MIN_PORT <= port <= MAX_PORT:
        raise UsageError(f"{port} is no port to serve metrics on", next=f"choose one from {MIN_PORT} to {MAX_PORT}")
    found = sorted(path for path in STARTER.rglob("*") if path.is_file())
    return {
        path.relative_to(STARTER).as_posix().replace(_SERVICE, service): path.read_text(encoding="utf-8")
        .replace(_SERVICE, service)
        .replace(_PORT, f"port: {port}")
        for path in found
    }
