from __future__ import annotations

from dataclasses import replace

import pytest

from bongsu.core.errors import StateError
from bongsu.stack.plan import make_plan
from bongsu.stack.specs import SETUP, ProcessSpec
from bongsu.stack.supervisor import backoff, levels
from tests.unit.stack.sites import COMPILED, make_site

PLAN = make_plan(make_site(), COMPILED)


def chain(**depends: tuple[str, ...]) -> list[ProcessSpec]:
    return [replace(PLAN.processes[0], name=name, depends=names) for name, names in depends.items()]


def test_pauses_double_from_half_a_second_to_half_a_minute() -> None:
    assert [backoff(n) for n in (1, 2, 3, 6, 7, 8, 5000)] == [0.5, 1.0, 2.0, 16.0, 30.0, 30.0, 30.0]


def test_everything_comes_after_what_it_depends_on() -> None:
    groups = levels(PLAN.processes, PLAN.setup_depends)
    at = {name: number for number, group in enumerate(groups) for name in group}
    assert at["postgres"] < at[SETUP] < at["api"] == at["worker-2"]
    assert at["receiver"] < at["alertmanager"] < at["prometheus"]


def test_processes_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(StateError, match="wait for each other or for nobody: a, b"):
        levels(chain(a=("b",), b=("a",)), ())


def test_a_process_that_waits_for_nobody_we_know_is_refused() -> None:
    with pytest.raises(StateError, match="nobody: ghost"):
        levels(chain(a=("ghost",)), ())
