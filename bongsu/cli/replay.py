"""`bongsu replay`: play what must fire, stay silent and clear through the compiled rules, by promtool."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.alerts.compile import file_name as alert_file
from bongsu.alerts.replay import compile_alert_replays
from bongsu.cli.catalogue import PROMETHEUS, compile_all, load_catalogue, require_sound
from bongsu.core.artefacts import write_file
from bongsu.core.errors import UsageError
from bongsu.slo.compile import file_name
from bongsu.slo.replay import compile_replays, without_events
from bongsu.stack.child import run_command

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from bongsu.cli.catalogue import Catalogue
    from bongsu.core.replay import Replay

NAME = "replay"
HELP = "replay every alert by promtool: fires, stays silent, clears, each exactly at its time"
EXAMPLES = (
    "bongsu replay",
    "bongsu replay research-assistant-answers-succeed ErrorsHigh",
    "bongsu replay --out /tmp/replays    # keep the promtool tests, each with its rule file",
)
_SECONDS = 600.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("subject", nargs="*", help="ids of SLOs and names of threshold alerts (default: all)")
    parser.add_argument("--out", type=Path, help="keep rules and tests in this folder (default: a temporary one)")
    parser.add_argument("--rules", type=Path, help="replay these rule files instead of what would be compiled now")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Write rules and tests, run promtool on each; 1 when one fails, or when something cannot be replayed."""
    catalogue = require_sound(load_catalogue(args.root), err)
    known = [slo.id for slo in catalogue.slos.slos] + [alert.name for alert in catalogue.alerts.alerts]
    if unknown := sorted(set(args.subject) - set(known)):
        raise UsageError(f"no SLO and no alert {', '.join(unknown)}", next=f"known: {', '.join(known)}")
    wanted = args.subject or known
    found, without = replays_of(catalogue, args.rules)
    replays = [replay for replay in found if replay.subject in wanted]
    with tempfile.TemporaryDirectory(prefix="bongsu-replay-") as temporary:
        folder = args.out or Path(temporary)
        write_replays(replays, folder)
        failed = asyncio.run(_play([replay.name for replay in replays], folder.resolve(), out))
    left = {subject: why for subject, why in without.items() if subject in wanted}
    for subject, why in left.items():
        print(f"{subject}: not all of it is replayed: {why}", file=err)
    print(f"{len(replays) - failed} of {len(replays)} replays passed", file=out)
    return 1 if failed or left else 0


def replays_of(
    catalogue: Catalogue, rules: Path | None = None, factor: float = 1.0
) -> tuple[list[Replay], dict[str, str]]:
    """Return the replays of what is compiled now, or of the rule files in a folder; and what has none, with the reason.

    The second is `{id of an SLO or name of an alert: why}`.
    """
    compiled = compile_all(catalogue, factor=factor) if rules is None else {}

    def text(name: str) -> str:
        try:
            return compiled[f"{PROMETHEUS}/{name}"] if rules is None else (rules / name).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot read {name}: {error.strerror}", where=str(rules), next="compile first") from None

    slos = {slo.id: text(file_name(slo)) for slo, _ in catalogue.slos.watched()}
    alerts = {name: text(name) for name in map(alert_file, catalogue.alerts.alerts)}
    try:
        burn = compile_replays(catalogue.slos, slos, factor)
    except ValueError as error:
        raise UsageError(str(error), where=str(rules or PROMETHEUS), next="compile these rules again") from None
    symptoms, without = compile_alert_replays(catalogue.alerts.alerts, alerts, factor)
    return burn + symptoms, without_events(catalogue.slos) | without


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
