from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bongsu.chaos.drill import DrillOutcome, run_drill
from bongsu.chaos.drill_record import make_record, passed_drills, summary
from bongsu.chaos.evidence import store
from bongsu.chaos.markers import Ack
from bongsu.chaos.model import Bar, Drill, Verdict
from bongsu.chaos.ports import DrillWorld, MarkersFound, RestoreDone, StepOutcome
from bongsu.cli.drill_report import render
from bongsu.core.diagnostics import Span
from bongsu.core.errors import StateError
from tests.unit.chaos.simulation import EPOCH, run_virtually

DRILL = Drill(
    name="demo",
    title={"en": "demo", "ko": "demo"},
    hypothesis="it comes back",
    lost="a",
    source="b",
    earliest=3.0,
    latest=12.0,
    markers_per_second=5.0,
    bar=Bar(rpo=60.0, rto=120.0, log_age=5.0, promised_rpo=3600.0, promised_rto=14400.0),
    span=Span("demo.yaml"),
)
OK = StepOutcome(ok=True, said="fine")


@dataclass
class Simulated:
    """A victim, its writer and its questions on virtual time; each defect is one field."""

    probe_ok: bool = True
    backup_ok: str = "full incremental"
    log_age: float = 1.0
    lost_seconds: float = 0.5
    gap: int = 0
    damaged: tuple[int, ...] = ()
    index_behind: bool = False
    repaired: tuple[str, ...] = ()
    restore_ok: bool = True
    restore_seconds: float = 10.0
    answers_after: bool = True
    configuration_ok: bool = True
    all_ok: bool = True
    marker_ok: bool = True
    resumed_ok: bool = True
    writer_dies: bool = False
    hang: str = ""
    starts: bool = True
    acks: list[Ack] = field(default_factory=list)
    struck_at: float = 0.0
    _writing: asyncio.Task[None] | None = None

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def within(self, seconds: float, work: Awaitable[Any]) -> Any:
        return await asyncio.wait_for(work, seconds)

    async def backup(self, kind: str) -> StepOutcome:
        await asyncio.sleep(2)
        return StepOutcome(ok=kind in self.backup_ok, said=f"{kind} taken")

    async def start(self, rate: float = 0.0) -> None:
        if rate:
            self._writing = asyncio.create_task(self._write(rate))
        elif not self.starts:
            raise StateError("the api was not ready")
        else:
            await asyncio.sleep(8)

    async def _write(self, rate: float) -> None:
        for number in range(1, 10_000):
            await asyncio.sleep(1 / rate)
            self.acks.append(Ack(number, self.now()))

    async def stop(self) -> None:
        if self._writing is not None:
            self._writing.cancel()

    def acknowledged(self) -> Sequence[Ack]:
        return self.acks

    def failure(self) -> str | None:
        return "it ended with exit code 3" if self.writer_dies else None

    async def strike(self) -> float:
        self.struck_at = self.now()
        return self.struck_at

    async def restore(self) -> RestoreDone:
        await asyncio.sleep(1e9 if self.hang == "restore" else self.restore_seconds)
        if not self.restore_ok:
            return RestoreDone(ok=False, said="sealed/wal/x: is damaged")
        reaches = self.struck_at - self.log_age
        return RestoreDone(True, "all right", {"fetch": 4.0, "recover": 2.0}, reaches, self.repaired, 10**9)

    async def configuration(self) -> StepOutcome:
        return StepOutcome(ok=self.configuration_ok, said="these differ: tree/slo/a.yaml")

    async def resumed(self) -> StepOutcome:
        return StepOutcome(ok=self.resumed_ok, said="no full backup")

    async def probe(self) -> StepOutcome:
        return StepOutcome(ok=self.probe_ok if not self.struck_at else self.answers_after, said="answered")

    async def probe_all(self) -> StepOutcome:
        return StepOutcome(ok=self.all_ok, said="all")

    async def ask_marker(self, number: int) -> StepOutcome:
        del number
        return StepOutcome(ok=self.marker_ok, said="marker")

    async def find_markers(self) -> MarkersFound:
        kept = [
            ack.number for ack in self.acks if ack.at <= self.struck_at - self.lost_seconds and ack.number != self.gap
        ]
        found = [(number, number) for number in kept]
        return MarkersFound(found, found[:-5] if self.index_behind else found, self.damaged)


def drilled(sim: Simulated, seed: int = 1) -> DrillOutcome:
    world = DrillWorld(sim, sim, sim, sim)  # type: ignore[arg-type]  # one object plays every part
    outcome: DrillOutcome = run_virtually(run_drill(DRILL, world, random.Random(seed), lambda _: None))  # noqa: S311
    return outcome


def test_a_drill_in_which_everything_comes_back_passes_with_its_numbers() -> None:
    outcome = drilled(Simulated())
    assert (outcome.verdict, outcome.rto) == (Verdict.PASSED, pytest.approx(18.0))
    assert outcome.joint is not None
    assert 0.3 < outcome.joint.rpo < 0.8
    assert outcome.phases == pytest.approx(
        {"restore": 10.0, "restore.fetch": 4.0, "restore.recover": 2.0, "start": 8.0, "answer": 0.0}
    )


@pytest.mark.parametrize(
    ("sim", "verdict", "word"),
    [
        (Simulated(probe_ok=False), Verdict.GATE_FAILED, "before anything was destroyed"),
        (Simulated(backup_ok="incremental"), Verdict.BACKUP_FAILED, "full backup failed"),
        (Simulated(backup_ok="full"), Verdict.BACKUP_FAILED, "incremental backup failed"),
        (Simulated(writer_dies=True), Verdict.ERROR, "exit code 3"),
        (Simulated(restore_ok=False), Verdict.RESTORE_FAILED, "sealed/wal/x: is damaged"),
        (Simulated(hang="restore"), Verdict.HUNG, "restore did not answer"),
        (Simulated(starts=False), Verdict.ERROR, "the api was not ready"),
        (Simulated(answers_after=False), Verdict.ANSWER_WRONG, "does not answer truly"),
        (Simulated(log_age=9.0), Verdict.LOG_STOPPED, "was 9.0 s old"),
        (Simulated(gap=3), Verdict.MARKERS_MISSING, "gone from the database although later ones are there: 3"),
        (Simulated(damaged=(4, 5)), Verdict.MARKERS_MISSING, "another content: 4, 5"),
        (Simulated(repaired=("the index was built anew: torn",)), Verdict.INDEX_WRONG, "torn"),
        (Simulated(configuration_ok=False), Verdict.CONFIGURATION_WRONG, "slo/a.yaml"),
        (Simulated(restore_seconds=200.0), Verdict.RTO_MISSED, "> 120 s"),
        (Simulated(all_ok=False), Verdict.ANSWER_WRONG, "golden questions"),
        (Simulated(marker_ok=False), Verdict.ANSWER_WRONG, "younger than every backup"),
        (Simulated(resumed_ok=False), Verdict.NOT_RESUMED, "no full backup"),
    ],
    ids=lambda value: value.value if isinstance(value, Verdict) else "",
)
def test_each_defect_ends_with_its_own_verdict_and_is_named(sim: Simulated, verdict: Verdict, word: str) -> None:
    outcome = drilled(sim)
    assert outcome.verdict is verdict, outcome.reason
    assert word in outcome.reason


def test_losing_more_than_the_bar_allows_is_a_failure_of_its_own() -> None:
    long = Simulated(lost_seconds=70.0, log_age=4.0)

    async def patient(kind: str) -> StepOutcome:
        await asyncio.sleep(100 if kind == "incremental" else 1)
        return OK

    long.backup = patient  # type: ignore[method-assign]
    outcome = drilled(long)
    assert outcome.verdict is Verdict.RPO_MISSED
    assert "RPO 70" in outcome.reason


def test_an_index_that_lags_its_source_counts_as_joint_loss() -> None:
    outcome = drilled(Simulated(index_behind=True))
    assert outcome.database is not None
    assert outcome.joint is not None
    assert outcome.joint.missing == outcome.database.missing + 5


def test_the_same_seed_strikes_at_the_same_instant_and_another_one_does_not() -> None:
    waited = [drilled(Simulated(), seed).waited for seed in (7, 7, 8)]
    assert waited[0] == waited[1] != waited[2]
    assert all(DRILL.earliest <= seconds <= DRILL.latest for seconds in waited)


def record(sim: Simulated, planted: str = "") -> dict[str, Any]:
    around = {"seed": 1, "bulk_bytes": 0, "planted": planted, "versions": {}}
    return make_record(DRILL, drilled(sim), {"demo": {"drill": "1"}}, around)


def test_only_a_passed_drill_with_todays_digests_and_nothing_planted_counts(tmp_path: Path) -> None:
    store(tmp_path, record(Simulated()))
    assert set(passed_drills(tmp_path, {"demo": {"drill": "1"}})) == {"demo"}
    assert passed_drills(tmp_path, {"demo": {"drill": "changed"}}) == {}
    other = tmp_path / "other"
    store(other, record(Simulated(), planted="flipped-bit"))
    store(other, record(Simulated(gap=3)))
    assert passed_drills(other, {"demo": {"drill": "1"}}) == {}
    assert passed_drills(tmp_path / "none", {"demo": {"drill": "1"}}) == {}


def test_the_summary_says_verdict_numbers_and_phases() -> None:
    said = summary(record(Simulated()))
    assert "demo: passed" in said
    assert "RTO 18.0 s" in said
    assert "fetch 4.0" in said
    assert summary(record(Simulated(probe_ok=False))).startswith("demo: gate_failed")


def test_the_page_draws_the_timeline_without_script_or_network_and_escapes_what_it_shows() -> None:
    page = render({**record(Simulated()), "reason": "<script>alert(1)</script>"})
    assert page.count("<rect") >= 5
    assert "first true answer" in page
    assert "<script" not in page
    assert "http" not in page
    assert "gate_failed" in render(record(Simulated(probe_ok=False)))
