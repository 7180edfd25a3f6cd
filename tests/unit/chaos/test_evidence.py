from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bongsu.chaos.evidence import Circumstances, closure_digest, make_record, proved, read_chain, read_ledger, store
from bongsu.core.errors import StateError
from tests.unit.chaos.simulation import Simulation, make_plan, prove

DIGESTS = {"AnswersBudgetBurn": {"expression": "1", "runbook": "2"}, "ErrorsHigh": {"expression": "3"}}
LEDGER = [{"at": 1.0, "event": "injected"}, {"at": 2.0, "event": "hit", "request": 7, "status": 500}]


def record(sim: Simulation | None = None, planted: str = "") -> dict[str, Any]:
    around = Circumstances(LEDGER, planted, {"prometheus": "2.42.0"})
    return make_record(make_plan(), prove(sim or Simulation()), DIGESTS, around)


def test_a_record_holds_every_time_the_ledger_of_hits_and_the_tiers_left_out() -> None:
    made = record()
    assert made["verdict"] == "passed"
    assert made["not_covered"] == ["AnswersBudgetBurn critical tier=slow"]
    assert made["fault_hits"] > 20
    assert made["ledger"] == LEDGER
    assert None not in made["times"].values()
    for alert in made["alerts"]:
        assert alert["pending"] <= alert["firing"] <= alert["delivered"] <= alert["cleared"]


def test_each_record_carries_the_digest_of_the_one_before(tmp_path: Path) -> None:
    paths = [store(tmp_path, record()) for _ in range(3)]
    assert [path.name for path in paths] == ["00001.json", "00002.json", "00003.json"]
    assert len(read_chain(tmp_path / "demo")) == 3


def test_a_changed_record_breaks_the_chain_and_is_named(tmp_path: Path) -> None:
    first, second = store(tmp_path, record()), store(tmp_path, record())
    first.write_text(first.read_text().replace('"passed"', '"passes"'))
    with pytest.raises(StateError) as error:
        read_chain(tmp_path / "demo")
    assert error.value.where == str(second)


def test_a_proof_counts_while_every_digest_of_the_alert_is_todays(tmp_path: Path) -> None:
    store(tmp_path, record())
    assert set(proved(tmp_path, {"demo": DIGESTS})) == {"AnswersBudgetBurn", "ErrorsHigh"}
    changed = DIGESTS | {"AnswersBudgetBurn": {"expression": "1", "runbook": "changed"}}
    assert set(proved(tmp_path, {"demo": changed})) == {"ErrorsHigh"}


@pytest.mark.parametrize(("sim", "planted"), [(Simulation(heals=False), ""), (Simulation(), "drop-notifications")])
def test_a_failed_or_planted_run_proves_nothing(tmp_path: Path, sim: Simulation, planted: str) -> None:
    store(tmp_path, record(sim, planted))
    assert proved(tmp_path, {"demo": DIGESTS}) == {}


def test_the_ledger_is_read_line_by_line_and_an_absent_one_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    assert read_ledger(file) == []
    file.write_text("".join(json.dumps(line) + "\n" for line in LEDGER))
    assert read_ledger(file) == LEDGER


def test_the_closure_changes_with_an_imported_module_and_not_with_its_neighbour(tmp_path: Path) -> None:
    package = tmp_path / "house"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "runner.py").write_text("from house.used import thing\n")
    (package / "used.py").write_text("thing = 1\n")
    (package / "neighbour.py").write_text("other = 1\n")
    before = closure_digest(package, ["house.runner"])
    (package / "neighbour.py").write_text("other = 2\n")
    assert closure_digest(package, ["house.runner"]) == before
    (package / "used.py").write_text("thing = 2\n")
    assert closure_digest(package, ["house.runner"]) != before


def test_a_stored_record_is_readable_json_with_its_planted_defect(tmp_path: Path) -> None:
    path = store(tmp_path, record(planted="pass-through"))
    assert json.loads(path.read_text())["planted"] == "pass-through"
