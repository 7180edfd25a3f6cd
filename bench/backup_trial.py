"""Decide who manages our PostgreSQL backups by destroying servers: run `python -m bench.backup_trial`.

Two tools: `barman` (the binary named by BARMAN; without it only our side runs) and `pg-tools`, PostgreSQL 18's own
pg_basebackup, pg_receivewal, pg_combinebackup and pg_verifybackup. Each round starts a throwaway PostgreSQL of about
200 MB, takes a full and an incremental backup while a writer commits numbered markers, kills every server process at a
random instant, deletes PGDATA, restores, and counts what the writer's own log says was acknowledged: once with complete
WAL segments only, once with the segment still being filled. Then: a point in time, bits flipped in backups and WAL, a
deleted WAL segment, a death at a segment boundary, a lost replication slot. RSYNC names the folder of an rsync that is
not on PATH. Results: docs/adr/0011-postgresql-backup-tool.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.support.backup_tools import SCHEMA, SETTINGS, SLOT, TOOLS, Server, Writer, call, judge, must
from tests.real.support.pg import binaries, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTS = {
    "barman": {
        "needs": "a cron job each minute, a configuration file, its own account, rsync, a compiler and libpq-dev",
        "encrypted WAL in two repositories within 5 s": "no: gpg, completed segments only, one home a server",
        "last line for Python 3.11": "3.19",
    },
    "pg-tools": {
        "needs": "nothing beyond PostgreSQL; one pg_receivewal process",
        "encrypted WAL in two repositories within 5 s": "not itself: the spool is a plain file that we ship",
        "last line for Python 3.11": "not Python",
    },
}
"""What is read from packages and sources, not measured."""


def size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def timed(report: dict[str, Any], name: str, work: Any) -> Any:
    """Do `work` and append its seconds to `report[name]`."""
    began = time.monotonic()
    result = work()
    report.setdefault(name, []).append(time.monotonic() - began)
    return result


def next_second() -> None:
    """Wait for another second: Barman names a backup by it, and a second one of the same name destroys the first."""
    time.sleep(1.05 - time.time() % 1)


@contextmanager
def trial(name: str, template: Path, report: dict[str, Any]) -> Iterator[tuple[Server, Any, Writer]]:
    """Yield a server over a copy of the template, its tool with a full and an incremental backup, and a live writer."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-backup-"))
    server = Server(folder)
    server.password = (template / "password").read_text()
    server.keep_password()
    shutil.copytree(template / "data", server.data, copy_function=shutil.copyfile)
    server.data.chmod(0o700)
    server.start()
    tool = TOOLS[name](server)
    writer = Writer(server.url)
    try:
        tool.begin()
        writer.start()
        for kind, incremental in (("full", False), ("incremental", True)):
            next_second()
            path = timed(report, f"{kind}_seconds", lambda: tool.backup(incremental=incremental))  # noqa: B023 - called at once
            report.setdefault(f"{kind}_bytes", []).append(size(path))
        yield server, tool, writer
    finally:
        writer.enough.set()
        server.stop()
        tool.stop()
        shutil.rmtree(folder)


def random_disaster(name: str, template: Path, rng: random.Random, report: dict[str, Any]) -> None:
    """Kill and delete the server at a random instant; restore without and with the segment being filled."""
    with trial(name, template, report) as (server, tool, writer):
        time.sleep(rng.uniform(0.3, 5.0))  # the random moment is the experiment, not a synchronisation
        disaster = server.kill9()
        writer.join()
        tool.stop()
        acks = writer.acks
        for partial in (False, True):
            shutil.rmtree(server.data)
            suffix = "" if partial else "_complete_segments"
            must(timed(report, f"restore{suffix}", lambda: tool.restore(server.data, partial=partial)))  # noqa: B023 - as above
            report.setdefault(f"recover{suffix}", []).append(server.recover())
            found = judge(server, acks, disaster)
            for key, value in found.items():
                report.setdefault(f"{key}{suffix}", []).append(value)
            report.setdefault("timeline", []).append(
                server.rows("SELECT timeline_id FROM pg_control_checkpoint()")[0][0]
            )
            server.stop()
        report.setdefault("acks_per_second", []).append(len(acks) / (disaster - acks[0][1]))


def flip(path: Path, at: float = 0.5) -> None:
    """Flip one bit of a file; a second call undoes it."""
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * at))
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def alarms(codes: dict[str, int]) -> str:
    """Name the checks that noticed something."""
    return ", ".join(name for name, code in codes.items() if code) or "nothing noticed"


def rescue(tool: Any, server: Server, acks: list[tuple[int, float]], target: str | None = None) -> str:
    """Restore beside the living server and say what became of it."""
    beside = Server(server.folder, "rescue")
    beside.password, beside.port = server.password, free_port()
    shutil.rmtree(beside.data, ignore_errors=True)
    code, said = tool.restore(beside.data, partial=True, target=target)
    if code:
        return f"restore refused ({code}): {said.strip().splitlines()[-1][:120]}"
    try:
        beside.recover()
        found = judge(beside, acks, acks[-1][1])
        return f"restore rc 0, started, {found['lost']} of {len(acks)} acknowledged markers missing"
    except RuntimeError as error:
        fatal = [line for line in str(error).splitlines() if "FATAL" in line]
        return f"restore rc 0, start refused: {fatal[0].split('FATAL:')[1].strip()[:120] if fatal else '?'}"
    finally:
        beside.stop()


def damage(name: str, template: Path) -> dict[str, Any]:
    """Restore a point in time, then damage copies one by one: who notices, and what would a restore have done."""
    report: dict[str, Any] = {}
    with trial(name, template, {}) as (server, tool, writer):
        time.sleep(2)
        writer.stop()
        acks = list(writer.acks)
        target = str(server.rows("SELECT clock_timestamp()")[0][0])
        later = Writer(server.url, first=acks[-1][0] + 1)
        later.start()
        time.sleep(4)
        later.stop()
        time.sleep(1)
        exact = rescue(tool, server, [*acks, *later.acks], target)
        report["point in time exact"] = f"{f'{len(later.acks)} of' in exact}: wanted {len(later.acks)} missing; {exact}"
        report["undamaged"] = f"{alarms(tool.verify())}; {rescue(tool, server, [*acks, *later.acks])}"
        segments = tool.segments()
        chain = tool.chain if name == "pg-tools" else [tool.backups / one / "data" for one in tool.ids()]
        table = max((chain[0] / "base").rglob("*"), key=lambda path: path.stat().st_size)
        delta = max((chain[1] / "base").rglob("INCREMENTAL.*"), key=lambda path: path.stat().st_size)
        middle = segments[-3]
        for what, path in {"bit in full": table, "bit in incremental": delta, "bit in WAL segment": middle}.items():
            flip(path)
            report[what] = f"{alarms(tool.verify())}; {rescue(tool, server, [*acks, *later.acks])}"
            flip(path)
        aside = middle.rename(server.folder / middle.name)
        report["WAL segment deleted"] = f"{alarms(tool.verify())}; {rescue(tool, server, [*acks, *later.acks])}"
        aside.rename(middle)
    return report


def boundary(name: str, template: Path) -> str:
    """Die just after a segment was closed, before the next one has its first record."""
    with trial(name, template, {}) as (server, tool, writer):
        time.sleep(1)
        writer.stop()
        last = server.rows("SELECT pg_walfile_name(pg_current_wal_lsn())")[0][0]
        server.rows("SELECT pg_switch_wal()")
        deadline = time.monotonic() + 20
        while last not in tool.received() and time.monotonic() < deadline:
            time.sleep(0.01)
        server.kill9()
        tool.stop()
        return rescue(tool, server, writer.acks)


def lost_slot(name: str, template: Path) -> str:
    """Drop the slot while the receiver is down and recycle the WAL it needs: what do receiver and checks say?"""
    with trial(name, template, {}) as (server, tool, writer):
        writer.stop()
        tool.stop()
        deadline = time.monotonic() + 10
        while server.rows("SELECT 1 FROM pg_replication_slots WHERE active") and time.monotonic() < deadline:
            time.sleep(0.05)
        server.rows(f"SELECT pg_drop_replication_slot('{SLOT}')")
        for _ in range(3):
            server.rows("UPDATE account SET balance = balance")
            server.rows("SELECT pg_switch_wal()")
            server.rows("CHECKPOINT")
        if name == "pg-tools":
            again = [str(binaries() / "pg_receivewal"), "-d", server.conninfo, f"--slot={SLOT}"]
            must(call([*again, "--create-slot", "--if-not-exists"]))
            code, said = call([*again, "-D", str(tool.wals), "--no-loop"], timeout=5)
            return f"receiver rc {code}: {said.strip().splitlines()[-1][:160]}; {alarms(tool.verify())}"
        tool.receive()
        failed = [line.strip() for line in tool.run("check", "t")[1].splitlines() if "FAILED" in line]
        reset, said = tool.run("receive-wal", "--reset", "t")
        tool.receive()
        after = alarms(tool.verify())
        return f"check: {'; '.join(failed)[:200]}; after receive-wal --reset ({reset}): {after}"


def summary(report: dict[str, Any]) -> dict[str, Any]:
    """Fold the lists of the random disasters into figures."""
    rto = [a + b for a, b in zip(report["restore"], report["recover"], strict=True)]

    def figures(values: list[float]) -> str:
        return f"{statistics.median(values):.2f} / {max(values):.2f}"

    return {
        "disasters survived": f"{sum(report['consistent'])} of {len(rto)}",
        "acknowledged markers a second": f"{statistics.median(report['acks_per_second']):.0f}",
        "worst RPO s, partial segment (markers lost)": f"{max(report['rpo']):.3f} ({max(report['lost'])})",
        "worst RPO s, complete segments (markers lost)": (
            f"{max(report['rpo_complete_segments']):.2f} ({max(report['lost_complete_segments'])})"
        ),
        "RTO s p50 / max": figures(rto),
        "  restore": figures(report["restore"]),
        "  recovery to first query": figures(report["recover"]),
        "full backup s p50 / max, MB": f"{figures(report['full_seconds'])}, {report['full_bytes'][0] / 1e6:.0f}",
        "incremental s p50 / max, MB": (
            f"{figures(report['incremental_seconds'])}, {statistics.median(report['incremental_bytes']) / 1e6:.0f}"
        ),
        "timelines after restore": sorted(set(report["timeline"])),
    }


def main() -> None:
    """Run the trial and print one table a tool."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tool", choices=TOOLS, action="append", help="default: both")
    parser.add_argument("--only", choices=["rounds", "damage", "boundary", "slot"], action="append")
    args = parser.parse_args()
    parts = args.only or ["rounds", "damage", "boundary", "slot"]
    with tempfile.TemporaryDirectory(prefix="bongsu-template-") as made:
        template = Server(Path(made))
        template.init()
        with (template.data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS)
        template.start()
        for statement in SCHEMA.split(";"):
            template.rows(statement)
        template.stop()
        names = [name for name in args.tool or TOOLS if name != "barman" or "BARMAN" in os.environ]
        print(f"running {', '.join(names)}" + ("" if "barman" in names else "; not barman: BARMAN names no binary"))
        reports: dict[str, dict[str, Any]] = {name: {} for name in names}
        dice = {name: random.Random(args.seed) for name in names}  # noqa: S311 - a reproducible experiment
        for name in names * args.rounds if "rounds" in parts else ():
            random_disaster(name, Path(made), dice[name], reports[name])
        for name in names:
            table = summary(reports[name]) if "rounds" in parts else {}
            table |= damage(name, Path(made)) if "damage" in parts else {}
            table |= {"segment boundary": boundary(name, Path(made))} if "boundary" in parts else {}
            table |= {"slot lost": lost_slot(name, Path(made))} if "slot" in parts else {}
            print(json.dumps({"tool": name, **table, **FACTS[name]}, indent=2), flush=True)


if __name__ == "__main__":
    main()
