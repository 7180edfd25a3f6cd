"""The stored record of a drill, and what a person wants to know of it; the chain is the same as a proof's."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bongsu.chaos.evidence import SCHEMA, read_chain
from bongsu.chaos.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bongsu.chaos.drill import DrillOutcome
    from bongsu.chaos.model import Drill


def make_record(
    drill: Drill, outcome: DrillOutcome, digests: Mapping[str, Mapping[str, str]], around: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the JSON-able record of one drill; times are Unix seconds, durations seconds.

    `digests` maps the drill's name to the digests of what its result depends on; `around` holds seed, size, planted
    defect and versions.
    """
    restored = outcome.restored
    return {
        "schema": SCHEMA,
        "experiment": drill.name,
        "kind": "drill",
        "verdict": outcome.verdict.value,
        "reason": outcome.reason,
        **around,
        "lost": drill.lost,
        "source": drill.source,
        "bar": asdict(drill.bar),
        "times": {"struck": outcome.struck_at, "declared": outcome.declared_at, "answered": outcome.answered_at},
        "waited_seconds": round(outcome.waited, 3),
        "rto_seconds": _rounded(outcome.rto),
        "rpo_seconds": {
            "database": _rounded(outcome.database.rpo) if outcome.database else None,
            "joint": _rounded(outcome.joint.rpo) if outcome.joint else None,
        },
        "log_age_seconds": _rounded(outcome.log_age),
        "phases": {name: round(seconds, 3) for name, seconds in outcome.phases.items()},
        "restored_bytes": restored.bytes if restored else 0,
        "reaches": restored.reaches if restored else None,
        "repaired": list(restored.repaired) if restored else [],
        "losses": {
            name: asdict(loss) if loss else None
            for name, loss in (("database", outcome.database), ("joint", outcome.joint))
        },
        "markers": [[ack.number, ack.at] for ack in outcome.markers],
        "digests": {name: dict(parts) for name, parts in digests.items()},
        "journal": [{"at": event.at, "event": event.name, **event.detail} for event in outcome.events],
    }


def summary(record: Mapping[str, Any]) -> str:
    """Return what a person wants to know of a record."""
    lines = [f"{record['experiment']}: {record['verdict']}: {record['reason']}"]
    bar, rpo = record["bar"], record["rpo_seconds"]
    if record["times"]["struck"] is None:
        return lines[0]
    lines.append(f"  struck {record['waited_seconds']:.1f} s after the last backup (seed {record['seed']})")
    losses = record["losses"]["joint"]
    if losses is not None:
        lost = f"{losses['missing']} of {losses['acknowledged']} acknowledged markers lost"
        lines.append(
            f"  RPO {rpo['database']:.1f} s database, {rpo['joint']:.1f} s joint (bar {bar['rpo']:g} s): {lost}; "
            f"the log was {_said(record['log_age_seconds'])} old"
        )
    if record["rto_seconds"] is not None:
        lines.append(
            f"  RTO {record['rto_seconds']:.1f} s from declared to the first true answer (bar {bar['rto']:g} s), "
            f"{record['restored_bytes'] / 1e6:.0f} MB restored"
        )
    if record["phases"]:
        shown = ", ".join(
            f"{name.removeprefix('restore.')} {seconds:.1f}" for name, seconds in record["phases"].items()
        )
        lines.append(f"  phases in seconds: {shown}")
    return "\n".join(lines)


def passed_drills(folder: Path, digests: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[float, float, float]]:
    """Return, for each drill, when it was last passed by evidence that still holds, and its joint RPO and RTO.

    `digests` maps drill to its content digests today; a record with another one, or with a planted defect, counts not.
    """
    result: dict[str, tuple[float, float, float]] = {}
    for name, parts in digests.items():
        for record, _ in read_chain(folder / name):
            if (
                record["verdict"] == Verdict.PASSED.value
                and not record["planted"]
                and record["digests"].get(name) == parts
            ):
                result[name] = (
                    float(record["times"]["answered"]),
                    float(record["rpo_seconds"]["joint"]),
                    float(record["rto_seconds"]),
                )
    return result


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _said(seconds: float | None) -> str:
    return "of unknown age" if seconds is None else f"{max(0.0, seconds):.1f} s"
