"""Evidence: the stored record of a proof, chained by SHA-256, which expires when what it proved changes.

One folder per experiment, one JSON file per run; each carries the digest of the one before. A record counts as proof of
an alert while the digests of the alert's expression, route, runbook, experiment, lock file and of the runner's import
closure still equal today's; the whole tree is not among them, or every commit would expire everything.
"""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bongsu.chaos.model import Verdict
from bongsu.core.artefacts import write_file
from bongsu.core.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bongsu.chaos.plan import Plan
    from bongsu.chaos.run import Outcome

SCHEMA = 1
MAX_LEDGER_LINES = 20_000


def digest(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def closure_digest(package: Path, roots: Sequence[str]) -> str:
    """Return one digest over every module of the package that the roots import, directly or not.

    `package` is the folder of the top-level package; roots are dotted module names inside it.
    """
    pending, files = list(roots), dict[str, str]()
    while pending:
        name = pending.pop()
        path = _module_file(package, name)
        if path is None or name in files:
            continue
        files[name] = path.read_text(encoding="utf-8")
        pending.extend(_imports(ast.parse(files[name]), package.name))
    return digest(json.dumps(sorted((name, digest(text)) for name, text in files.items())))


def _module_file(package: Path, name: str) -> Path | None:
    base = package.parent.joinpath(*name.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _imports(tree: ast.AST, package: str) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == package:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] == package]
    return found


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What surrounded a run: the fault proxy's ledger line by line, the planted defect, versions of what took part."""

    ledger: Sequence[Mapping[str, Any]] = ()
    planted: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """Return the fault proxy's ledger: every injection, hit and end, oldest first; empty when nothing was injected."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()[:MAX_LEDGER_LINES]
    return [json.loads(line) for line in lines]


def make_record(
    plan: Plan, outcome: Outcome, digests: Mapping[str, Mapping[str, str]], around: Circumstances
) -> dict[str, Any]:
    """Return the JSON-able record of one run; times are Unix seconds, `digests` maps alert to its content digests."""
    times = {name: outcome.at(name) for name in ("injected", "observed", "runbook_started", "runbook_ended", "undone")}
    return {
        "schema": SCHEMA,
        "experiment": plan.experiment.name,
        "verdict": outcome.verdict.value,
        "reason": outcome.reason,
        "planted": around.planted,
        "time_factor": plan.experiment.factor,
        "scrape_seconds": plan.experiment.scrape,
        "lead_in_seconds": plan.lead_in,
        "runs_per_second": plan.experiment.rate,
        "not_covered": list(plan.not_covered),
        "times": times,
        "alerts": [
            {
                "alert": str(trace.expectation.expected),
                "labels": {
                    "prometheus": trace.labels,
                    "alertmanager": trace.routed_labels,
                    "receiver": trace.delivered_labels,
                },
                "fingerprint": trace.fingerprint,
                "receiver_fingerprint": trace.delivered_fingerprint,
                "pending": trace.pending_at,
                "firing": trace.firing_at,
                "routed": trace.routed_at,
                "delivered": trace.delivered_at,
                "cleared": trace.cleared_at,
                "ideal_fire_seconds": trace.expectation.ideal_fire,
                "fire_within_seconds": trace.expectation.fire_within,
                "ideal_clear_seconds": trace.expectation.ideal_clear,
                "clear_within_seconds": trace.expectation.clear_within,
            }
            for trace in outcome.traces
        ],
        "fault_hits": outcome.hits,
        "ledger": [dict(line) for line in around.ledger],
        "dedup_keys": outcome.dedup_keys,
        "deliveries": outcome.deliveries,
        "runs": outcome.runs,
        "also_fired": outcome.also_fired,
        "digests": {alert: dict(parts) for alert, parts in digests.items()},
        "versions": dict(around.versions),
        "journal": [{"at": event.at, "event": event.name, **event.detail} for event in outcome.events],
    }


def store(folder: Path, record: dict[str, Any]) -> Path:
    """Append the record to its experiment's chain and return its path; refuse to extend a broken chain."""
    chain = folder / str(record["experiment"])
    chain.mkdir(parents=True, exist_ok=True)
    earlier = read_chain(chain)
    record = {"previous": digest(earlier[-1][1]) if earlier else "", **record}
    path = chain / f"{len(earlier) + 1:05d}.json"
    write_file(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return path


def read_chain(chain: Path) -> list[tuple[dict[str, Any], str]]:
    """Return every record of a chain with its text, oldest first; raise StateError at the first broken link."""
    result: list[tuple[dict[str, Any], str]] = []
    for path in sorted(chain.glob("[0-9]*.json")):
        text = path.read_text(encoding="utf-8")
        try:
            record = json.loads(text)
        except ValueError as error:
            raise StateError(
                f"not JSON: {error}", where=str(path), next="move the chain aside and prove anew"
            ) from error
        if record.get("previous") != (digest(result[-1][1]) if result else ""):
            raise StateError(
                "the chain of evidence is broken here", where=str(path), next="move the chain aside and prove anew"
            )
        result.append((record, text))
    return result


def proved(folder: Path, digests: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, float]:
    """Return when each alert was last proved by evidence that still holds, as Unix seconds.

    `digests` maps experiment to alert to its content digests today. A record counts only when it passed, nothing was
    planted, and every digest of the alert equals today's.
    """
    result: dict[str, float] = {}
    for chain in sorted(path for path in folder.glob("*") if path.is_dir()):
        for record, _ in read_chain(chain):
            if record["verdict"] != Verdict.PASSED.value or record["planted"]:
                continue
            at = max(event["at"] for event in record["journal"])
            for alert, parts in record["digests"].items():
                if digests.get(record["experiment"], {}).get(alert) == parts:
                    result[alert] = max(at, result.get(alert, 0.0))
    return result
