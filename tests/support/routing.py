"""Say what is wrong with an Alertmanager configuration, by what people agreed on: tests/rules/routing.*.

amlint plays who receives what and who silences whom; the table beside it says how alerts are grouped and how fast.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[1] / "rules"


def routing_problems(config: Path) -> list[str]:
    """Return everything in which a configuration differs from the agreement; empty when nothing does."""
    return [*_grouping(yaml.safe_load(config.read_text(encoding="utf-8"))), *_played(config)]


def _grouping(config: dict[str, Any]) -> list[str]:
    agreed = yaml.safe_load((RULES / "routing.grouping.yml").read_text(encoding="utf-8"))
    root = config["route"]
    found = {
        "default": {key: value for key, value in root.items() if key != "routes"},
        "severities": {route["matchers"][0]: _without(route, "matchers") for route in root["routes"]},
        "receivers": {
            receiver["name"]: {
                kind: [config["send_resolved"] for config in channels]
                for kind, channels in receiver.items()
                if kind != "name"
            }
            for receiver in config["receivers"]
        },
    }
    return [f"{part}: {found[part]} instead of {agreed[part]}" for part in agreed if found[part] != agreed[part]]


def _without(route: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in route.items() if name != key}


def _played(config: Path) -> list[str]:
    amlint, tests = Path(sys.executable).with_name("amlint"), RULES / "routing.amlint.yml"
    done = subprocess.run(
        [amlint, "test", config, tests, "--fail-under", "100"], capture_output=True, text=True, check=False
    )
    return [] if done.returncode == 0 else [done.stdout + done.stderr]
