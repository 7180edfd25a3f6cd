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
from bongsu.slo.replay import compile_replays
from bongsu.stack.child import run_command

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from bongsu.cli.catalogue import Catalogue

NAME = "replay"
HELP = "replay every burn-rate alert by promtool: fires, stays silent, clears, each within one evaluation of its time"
EXAMPLES = (
    "bongsu replay",
    "bongsu replay research-assistant-answers-succeed",
    "bongsu replay --out /tmp/replays    # keep the rules and the promtool tests",
)
REPLAYS = "replays"
_SECONDS = 600.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("slo", nargs="*", help="ids of SLOs (default: all)")
    parser.add_argument("--out", type=Path, help="keep rules and tests in this folder (default: a temporary one)")
    parser.add_argument("--rules", type=Path, help="replay these rule files instead of what would be compiled now")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Write rules and tests, run promtool on each; 1 when one fails or an SLO cannot be replayed."""
    catalogue = require_sound(load_catalogue(args.root), err)
    known = [slo.id for slo in catalogue.slos.slos]
    if unknown := sorted(set(args.slo) - set(known)):
        raise UsageError(f"no SLO {', '.join(unknown)}", next=f"known: {', '.join(known)}")
    wanted = args.slo or known
    with tempfile.TemporaryDirectory(prefix="bongsu-replay-") as temporary:
        folder = args.out or Path(temporary)
        written = write_replays(catalogue, folder, args.rules)
        chosen = {name: slo for name, slo in written.items() if slo in wanted}
        failed = asyncio.run(_play(sorted(chosen), folder / REPLAYS, out))
    left = [slo for slo in wanted if slo not in written.values()]
    for slo in left:
        print(f"{slo}: its queries are not sums of rates, so no series can be made up: not replayed", file=err)
    print(f"{len(chosen) - failed} of {len(chosen)} replays passed", file=out)
    return 1 if failed or left else 0


def write_replays(catalogue: Catalogue, folder: Path, rules: Path | None = None, factor: float = 1.0) -> dict[str, str]:
    """Write the rule files and one promtool test a tier; return `{test file: SLO id}`."""
    if rules is None:
        compiled = compile_all(catalogue, factor=factor)
        rules = folder / PROMETHEUS
        for name, text in compiled.items():
            if name.startswith(f"{PROMETHEUS}/slo-"):
                write_file(folder / name, text)
    files = {slo.id: os.path.relpath(rules / file_name(slo), folder / REPLAYS) for slo in catalogue.slos.slos}
    tests = compile_replays(catalogue.slos, files, factor)
    for name, text in tests.items():
        write_file(folder / REPLAYS / name, text)
    return {name: name.removesuffix(".test.yml").rpartition("-")[0] for name in tests}


async def _play(tests: list[str], folder: Path, out: TextIO) -> int:
    """Run promtool on each test, as many at once as there are processors; return how many failed."""
    slots = asyncio.Semaphore(os.cpu_count() or 1)

    async def play(test: str) -> bool:
        async with slots:
            began = time.monotonic()
            done = await run_command(["promtool", "test", "rules", test], dict(os.environ), folder, _SECONDS)
        verdict = "passed" if done.code == 0 else "FAILED"
        print(f"{test.removesuffix('.test.yml')}: {verdict} after {time.monotonic() - began:.1f} s", file=out)
        if done.code != 0:
            print(done.out + done.err, file=out)
        return done.code == 0

    return [await one for one in asyncio.as_completed([play(test) for test in tests])].count(False)
