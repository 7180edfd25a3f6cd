"""What every promtool test of ours is made of: the file and its rules, questions, and samples of steady worlds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from bongsu.core.durations import format_duration
from bongsu.core.vectors import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bongsu.core.series import Series
    from bongsu.core.steady import World


_RESET = 6
"""From so many samples on, a counter is reset before the last two."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One promtool test and the rule file it names; `name` is that of both, without their ends.

    `subject` is the id of the SLO or the name of the alert it is about.
    """

    name: str
    subject: str
    rules: str
    test: str

    def files(self) -> dict[str, str]:
        """Return both as `{file name: text}`."""
        return {f"{self.name}.rules.yml": self.rules, f"{self.name}.test.yml": self.test}


def question(expr: str, at: float, expected: Iterable[tuple[Mapping[str, str], float]]) -> dict[str, object]:
    """Return a question that is asked after so many seconds, with the labels and value of each series expected."""
    samples = [{"labels": selector(labels), "value": number} for labels, number in expected]
    return {"expr": expr, "eval_time": format_duration(at), "exp_samples": samples}


def selector(labels: Mapping[str, str]) -> str:
    """Return labels as PromQL writes a series."""
    inner = ", ".join(f'{label}="{text}"' for label, text in labels.items() if label != NAME)
    return f"{labels.get(NAME, '')}{{{inner}}}"


def samples_text(series: Series, worlds: Sequence[World], step: float, sample: float) -> str:
    """Return promtool's notation of a series, a sample every so many seconds from time 0 to the last evaluation.

    `worlds` holds the world of each evaluation, `step` seconds apart: a sample belongs to the next one.
    """
    count = math.floor((len(worlds) - 1) * step / sample + 1e-9) + 1
    grown, parts = 0.0, []
    at = [worlds[math.ceil(i * sample / step - 1e-9)] for i in range(count)]
    for level, run in groupby(world.levels.get(series) for world in at):
        length = sum(1 for _ in run)
        if level is None:
            parts.append(f"_x{length}")
        elif series.name in at[0].counters:
            step_up = level * sample
            if length > _RESET:  # a counter that begins anew has still counted what it did
                parts.append(f"{grown!r}+{step_up!r}x{length - 3}")
                grown, length = step_up, 2
            parts.append(f"{grown!r}+{step_up!r}x{length - 1}")
            grown += step_up * length
        else:
            parts.append(f"{level!r}x{length - 1}")
    return " ".join(parts)
