"""The bench of telemetry's CPU judges what it measured: each defect planted in the measurements turns its line red."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.support.figures import Figures
from bench.telemetry_cpu import judge

OWN, PEERS = Path("own"), Path("peers")
QUIET = {
    (OWN, "bare"): 4.0,
    (OWN, "bongsu"): 5.1,
    (PEERS, "bare"): 4.0,
    (PEERS, "openllmetry"): 16.0,
    (PEERS, "openlit"): 11.0,
    (PEERS, "langfuse"): 17.0,
}
BUSY = {key: value + 3.0 for key, value in QUIET.items()}


def judged(*rounds: dict[tuple[Path, str], float], peers: Path | None = PEERS) -> list[str]:
    figures = Figures()
    judge(figures, rounds, OWN, peers)
    return figures.missed


def test_a_telemetry_that_is_light_is_called_so_on_a_quiet_and_on_a_busy_machine() -> None:
    assert judged(QUIET, BUSY, QUIET) == []
    assert judged(QUIET, peers=None) == []


@pytest.mark.parametrize(
    ("planted", "lines"),
    [
        ({(OWN, "bongsu"): 6.01}, ["bongsu.telemetry"]),
        ({(PEERS, "openlit"): 5.0}, ["openlit"]),
        ({(PEERS, "openllmetry"): 5.1, (PEERS, "langfuse"): 4.2}, ["openllmetry", "langfuse"]),
        ({(OWN, "bongsu"): 12.0}, ["bongsu.telemetry", "openlit"]),
    ],
)
def test_a_planted_defect_turns_its_line_red(planted: dict[tuple[Path, str], float], lines: list[str]) -> None:
    assert judged(QUIET | planted, QUIET | planted, QUIET) == lines  # the median of three rounds
