"""Compile the admission limits of a service: how long runs may wait before new ones are refused, batch first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bongsu.core.artefacts import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bongsu.slo.model import Slo


def compile_admission(slos: Iterable[Slo]) -> dict[str, str]:
    """Return `{file name: JSON}`, one file for each service with limits; of several SLOs the shortest promise counts.

    `waiting_seconds` is the age of the oldest run that waits for a worker, or the time that the runs in front of a new
    one will take; `depth` is the same as a number of runs at the assumed rate.
    """
    chosen: dict[str, Slo] = {}
    for slo in slos:
        if slo.shed and (slo.service not in chosen or slo.shed.promised < _promised(chosen[slo.service])):
            chosen[slo.service] = slo
    return {f"{service}.json": _text(slo) for service, slo in sorted(chosen.items())}


def _promised(slo: Slo) -> float:
    return slo.shed.promised if slo.shed else 0.0


def _text(slo: Slo) -> str:
    shed = slo.shed
    if shed is None:
        raise ValueError(f"{slo.id} has no limits")
    content = {
        "generated": HEADER.format(source=slo.span.file),
        "slo": slo.id,
        "promised_seconds": shed.promised,
        "runs_per_second": shed.rate,
        "shed": {
            priority: {"waiting_seconds": round(seconds, 3), "depth": max(1, int(seconds * shed.rate))}
            for priority, seconds in (
                ("batch", shed.batch * shed.promised),
                ("interactive", shed.interactive * shed.promised),
            )
        },
    }
    return json.dumps(content, indent=2) + "\n"
