"""`bongsu replay`: play what must fire, stay silent and clear through the compiled rules, by promtool."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.cli.catalogue import PROMETHEUS, compile_all, load_catalogue, require_sound
from bongsu.core.artefacts import write_file
from bongsu.core.errors import UsageError
from bongsu.slo.compile import file_name
from bongsu.slo.example import example
from bongsu.slo.replay import compile_replays
from bongsu.stack.child import run_command

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from bongsu.cli.catalogue import Catalogue
    from bongsu.slo.replay import Replay

NAME = "replay"
HELP = "replay every burn-rate alert by promtool: fires, stays silent, clears, each exactly at its time"
EXAMPLES = (
    "bongsu replay",
    "bongsu replay research-assistant-answers-succeed",
    "bongsu replay --out /tmp/replays    # keep the promtool tests, each with its rule file",
)
_SECONDS = 600.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("slo", nargs="*", help="ids of SLOs (default: all)")
    parser.add_argument("--out", type=Path, help="keep rules and tests in this folder (default: a temporary one)")
    parser.add_argument("--rules", type=Path, help="replay these rule files instead of what would be compiled now")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Write rules and tests, run promtool on each; 1 when one fails or raw series of an SLO cannot be made up."""
    catalogue = require_sound(load_catalogue(args.root), err)
    known = [slo.id for slo in catalogue.slos.slos]
    if unknown := sorted(set(args.slo) - set(known)):
        raise UsageError(f"no SLO {', '.join(unknown)}", next=f"known: {', '.join(known)}")
    wanted = args.slo or known
    replays = [replay for replay in replays_of(catalogue, args.rules) if replay.slo in wanted]
    with tempfile.TemporaryDirectory(prefix="bongsu-replay-") as temporary:
        folder = args.out or Path(temporary)
        write_replays(replays, folder)
        failed = asyncio.run(_play([replay.name for replay in replays], folder.resolve(), out))
    left = [slo.id for slo in catalogue.slos.slos if slo.id in wanted and example(slo) is None]
    for slo in left:
        print(f"{slo}: its queries are no sums of rates, so no raw series can be made up: its events are not", file=err)
        print("  replayed; its alerts are, from recorded rates", file=err)
    print(f"{len(replays) - failed} of {len(replays)} replays passed", file=out)
    return 1 if failed or left else 0


def replays_of(catalogue: Catalogue, rules: Path | None = None, factor: float = 1.0) -> list[Replay]:
    """Return the replays of what is compiled now, or of the rule files in a folder."""
    compiled = compile_all(catalogue, factor=factor) if rules is None else {}

    def text(name: str) -> str:
        try:
            return compiled[f"{PROMETHEUS}/{name}"] if rules is None else (rules / name).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot read {name}: {error.strerror}", where=str(rules), next="compile first") from None

    files = {slo.id: text(file_name(slo)) for slo, _ in catalogue.slos.watched()}
    try:
        return compile_replays(catalogue.slos, files, factor)
    except ValueError as error:
        raise UsageError(str(error), where=str(rules or PROMETHEUS), next="compile these rules again") from None


def write_replays(replays: list[Replay], folder: Path) -> None:
    """Write each promtool test and its rule file into the folder."""
    for replay in replays:
        for name, text in replay.files().items():
            write_file(folder / name, text)


async def _play(names: list[str], folder: Path, out: TextIO) -> int:
    """Run promtool on each test, as many at once as there are processors; return how many failed."""
    slots = asyncio.Semaphore(os.cpu_count() or 1)

    async def play(name: str) -> bool:
        async with slots:
            began = time.monotonic()
            done = await run_command(
                ["promtool", "test", "rules", f"{name}.test.yml"], dict(os.environ), folder, _SECONDS
            )
        verdict = "passed" if done.code == 0 else "FAILED"
        print(f"{name}: {verdict} after {time.monotonic() - began:.1f} s", file=out)
        if done.code != 0:
            print(done.out + done.err, file=out)
        return done.code == 0

    return [await one for one in asyncio.as_completed([play(name) for name in names])].count(False)
