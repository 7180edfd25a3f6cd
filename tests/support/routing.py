"""Say what is wrong with an Alertmanager configuration, by what people agreed on: tests/rules/routing.*.

amlint plays who receives what and who silences whom; the table beside it says how alerts are grouped,
how fast and when they are told, and by which channel.
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
    return [*grouping_problems(config), *played_problems(config)]


def grouping_problems(path: Path) -> list[str]:
    """Return in which routes, groups, times and channels a configuration differs from the table."""
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    agreed = yaml.safe_load((RULES / "routing.grouping.yml").read_text(encoding="utf-8"))
    root = config["route"]
    found = {
        "default": {key: value for key, value in root.items() if key != "routes"},
        "routes": root["routes"],
        "times": {one["name"]: one["time_intervals"] for one in config.get("time_intervals", [])},
        "receivers": {
            receiver["name"]: {
                kind: [config["send_resolved"] for config in channels]
                for kind, channels in receiver.items()
                if kind != "name"
            }
            for receiver in config["receivers"]
        },
    }
    return [f"{part}: {found[part]} instead of {agreed[part]}" for part in found if found[part] != agreed.get(part)]


def played_problems(config: Path) -> list[str]:
    """Return what amlint says where alerts go elsewhere, or are silenced otherwise, than agreed."""
    amlint, tests = Path(sys.executable).with_name("amlint"), RULES / "routing.amlint.yml"
    done = subprocess.run(
        [amlint, "test", config, tests, "--fail-under", "100"], capture_output=True, text=True, check=False
    )
    return [] if done.returncode == 0 else [done.stdout + done.stderr]
