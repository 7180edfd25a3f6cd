"""One page about a drill, with its timeline drawn: plain HTML and SVG, no script, opens without a network."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WIDTH, ROW, LEFT, TOP = 900, 26, 170, 30
_COLOURS = {"restore": "#4e79a7", "start": "#59a14f", "answer": "#76b7b2", "lost": "#e15759", "markers": "#9c9c9c"}
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
h1{font-size:1.4rem;margin-bottom:.2rem}
.passed{color:#1b6e2b}.failed{color:#a8201a}
table{border-collapse:collapse;margin:1rem 0;width:100%}
td,th{border-bottom:1px solid #ddd;padding:.3rem .6rem;text-align:left;vertical-align:top}
svg{width:100%;height:auto}
svg text{font:12px system-ui,sans-serif;fill:#1b1b1b}
small{color:#555}
@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}svg text{fill:#eee}
td,th{border-color:#444}small{color:#aaa}}
"""


def render(record: Mapping[str, Any]) -> str:
    """Return the page of one record."""
    passed = record["verdict"] == "passed"
    title = f"{record['experiment']}: {record['verdict']}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>",
        f'<h1 class="{"passed" if passed else "failed"}">{_text(title)}</h1>',
        f"<p>{_text(record['reason'])}</p>",
        *_figures(record),
        *_timeline(record),
        *_prediction(record),
        "<h2>Journal</h2><table><tr><th>UTC</th><th>what</th></tr>",
        *(_journal_row(line) for line in record["journal"]),
        "</table></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _figures(record: Mapping[str, Any]) -> Iterator[str]:
    bar, rpo, losses = record["bar"], record["rpo_seconds"], record["losses"]["joint"]
    rows = [
        ("seed", str(record["seed"])),
        ("lost", f"PostgreSQL, Chroma, the secrets and repository {record['lost']}"),
        ("restored from", f"repository {record['source']} and its key, {record['restored_bytes'] / 1e6:.0f} MB"),
        ("RPO", f"{_seconds(rpo['database'])} database, {_seconds(rpo['joint'])} joint; bar {bar['rpo']:g} s"),
        ("RTO", f"{_seconds(record['rto_seconds'])} to the first true answer; bar {bar['rto']:g} s"),
    ]
    if losses:
        rows.append(("markers", f"{losses['acknowledged']} acknowledged, {losses['missing']} lost"))
    if record["planted"]:
        rows.append(("planted defect", record["planted"]))
    rows += [("repaired", line) for line in record["repaired"]]
    yield "<table>"
    yield from (f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in rows)
    yield "</table>"


def _timeline(record: Mapping[str, Any]) -> Iterator[str]:
    """Draw what happened on one axis: markers until the disaster, what was lost, then the outage phase by phase."""
    struck, declared = record["times"]["struck"], record["times"]["declared"]
    if struck is None or declared is None:
        return
    bars = list(_bars(record))
    first = min([struck, *(begin for _, begin, _, _ in bars)])
    last = max([declared, *(end for _, _, end, _ in bars)])
    scale = (WIDTH - LEFT - 20) / max(1.0, last - first)

    def x(at: float) -> float:
        return float(LEFT + (at - first) * scale)

    height = TOP + ROW * len(bars) + 30
    yield "<h2>Timeline</h2>"
    yield f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="timeline of the drill">'
    for row, (name, begin, end, kind) in enumerate(bars):
        y = TOP + ROW * row
        width = max(2.0, x(end) - x(begin))
        yield f'<text x="8" y="{y + 15}">{_text(name)}</text>'
        yield f'<rect x="{x(begin):.1f}" y="{y + 3}" width="{width:.1f}" height="{ROW - 9}" fill="{_COLOURS[kind]}"/>'
        yield f'<text x="{min(x(end) + 5, WIDTH - 55):.1f}" y="{y + 15}">{end - begin:.1f} s</text>'
    for label, at in (("disaster", struck), ("first true answer", record["times"]["answered"])):
        if at is not None:
            yield f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="18" y2="{height - 24}" stroke="#e15759"/>'
            yield f'<text x="{min(x(at) + 4, WIDTH - 110):.1f}" y="14">{_text(label)}</text>'
    yield "</svg>"


def _bars(record: Mapping[str, Any]) -> Iterator[tuple[str, float, float, str]]:
    """Yield name, begin, end and kind of each bar."""
    struck, declared = record["times"]["struck"], record["times"]["declared"]
    acknowledged = [at for _, at in record["markers"]]
    if acknowledged:
        yield "markers", acknowledged[0], acknowledged[-1], "markers"
    if rpo := record["rpo_seconds"]["joint"]:
        yield "lost", struck - rpo, struck, "lost"
    at, phases = declared, record["phases"]
    for name, seconds in phases.items():
        if name.startswith("restore."):
            yield name.removeprefix("restore.").replace("_", " "), at, at + seconds, "restore"
            at += seconds
    if "restore" in phases:
        at = declared + phases["restore"]
    for name in ("start", "answer"):
        if name in phases:
            yield name, at, at + phases[name], name
            at += phases[name]


def _prediction(record: Mapping[str, Any]) -> Iterator[str]:
    found = record.get("prediction")
    if not found:
        return
    hours, promised = found["seconds"] / 3600, found["promised_rto_seconds"] / 3600
    yield "<h2>Prediction</h2>"
    yield (
        f"<p>For {found['bytes'] / 1e9:.0f} GB: {hours:.1f} h against a promise of {promised:g} h. "
        f"<small>A prediction, not a measurement: fitted on {found['samples']} restores of up to "
        f"{found['largest_sample_bytes'] / 1e9:.2f} GB, off by at most {found['worst_error']:.0%} on those.</small></p>"
    )


def _journal_row(line: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(line["at"], UTC).strftime("%H:%M:%S.%f")[:-3]
    rest = ", ".join(f"{name}={value}" for name, value in line.items() if name not in {"at", "event"})
    return f"<tr><td>{at}</td><td>{_text(line['event'].replace('_', ' '))}<br><small>{_text(rest)}</small></td></tr>"


def _seconds(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.1f} s"


def _text(value: object) -> str:
    return html.escape(str(value))
