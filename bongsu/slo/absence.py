"""Tell no data from no traffic: one alert of one name for every SLO, whose label `reason` says what is missing.

- `target_down`: no instance of the job has been scraped well for a while.
- `vanished` and `never_born`: the job has been up for most of a day in which the events of the SLO had no series; they
  had some in the month before, or not even then.

An idle system is none of these: a counter that stands still is a series, and one that nobody has touched since the
last restart is not missed within a day. Only the total is looked at, through what the SLO records of it, so that the
cost does not grow with the series; that no error was ever counted is good news (research/slo.md 2.2, 2.3).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from bongsu.core import conventions as names
from bongsu.core.promql import selectors
from bongsu.slo.indicators import excluded
from bongsu.slo.model import Ratio, Spend, queries
from bongsu.slo.rules import Alerting, Links, last_proof

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.core.diagnostics import Span
    from bongsu.slo.model import Slo, Slos, Windows

NAME = "SliAbsent"
SEVERITY = names.SEVERITIES[1]
RULE = "absence"
TARGET_DOWN, VANISHED, NEVER_BORN = "target_down", "vanished", "never_born"
HOLD = 300.0
"""How long something is missing before anybody is told, in seconds: longer than a deployment's gap."""
MISSED, REMEMBERED = "1d", "30d"
"""How long a series that exists only once it counted may be away, and within what time it counts as born."""
LOOKS = 20
"""Of the hourly looks of such a day, at how many the target and these rules must have been there."""
_JOB = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_./:-]{0,126}[A-Za-z0-9_])?")


def job_of(slo: Slo) -> str:
    """Return the scrape job whose `up` tells whether the target of an SLO is there; empty when nothing names one."""
    if slo.job is not None:
        return slo.job
    return _job_in(queries(slo.indicator)[-1].text)


@lru_cache(maxsize=65536)
def _job_in(text: str) -> str:
    """Remember what was found: the rule's parts, its texts, the checks and the stencils each ask."""
    if "job" not in text:
        return ""
    found = {m.value for one in selectors(text) for m in one.matchers if m.label == "job" and m.op == "="}
    return found.pop() if len(found) == 1 and all(map(is_job, found)) else ""


def is_job(text: str) -> bool:
    """Tell whether a text is a job that can stand in a rule as it is."""
    return bool(_JOB.fullmatch(text))


def counts_series(slo: Slo) -> bool:
    """Tell whether the SLO's total exists while nothing happens, so that its absence means something.

    Counters and gauges stand still. A share that somebody else computed, a value to compare and slices of time may have
    no value (or NaN) just because nothing happened.
    """
    return isinstance(slo.indicator, Ratio | Spend)


def reasons(slo: Slo) -> tuple[str, ...]:
    """Return what the absence alert of an SLO can tell; nothing when it has none."""
    if SEVERITY in slo.silent:
        return ()
    down = (TARGET_DOWN,) if job_of(slo) else ()
    return (*down, VANISHED, NEVER_BORN) if counts_series(slo) else down


def has_alarm(slo: Slo) -> bool:
    """Tell whether an SLO has an absence alert: whether there are any reasons."""
    return SEVERITY not in slo.silent and (counts_series(slo) or bool(job_of(slo)))


def alarmed(slos: Slos) -> tuple[Slo, ...]:
    """Return the SLOs that have an absence alert, or would have if they had no other problem."""
    return tuple(slo for slo in slos.slos if has_alarm(slo))


def services(slos: Slos) -> dict[str, Span]:
    """Return each service with such a rule, and where it comes from: the first SLO of the service that has one."""
    return {slo.service: slo.span for slo in reversed(alarmed(slos)) if slo.id in slos.windows}


def absence_rules(slo: Slo, windows: Windows, ids: Mapping[str, str], links: Links) -> Iterable[Alerting]:
    """Yield the absence alert of an SLO, if it has one; `ids` are the labels that name the SLO."""
    if has_alarm(slo):
        yield Alerting(NAME, absence_expr(slo, windows), labels_of(slo, ids), _annotations(slo, links), HOLD)


def labels_of(slo: Slo, ids: Mapping[str, str]) -> dict[str, str]:
    """Return the labels the rule sets; `reason` comes from its expression."""
    return {
        **slo.labels,
        **slo.alert_labels.get(SEVERITY, {}),
        names.LABEL_SEVERITY: SEVERITY,
        names.LABEL_SERVICE: slo.service,
        names.LABEL_RULE: RULE,
        **ids,
    }


def absence_expr(slo: Slo, windows: Windows) -> str:
    """Return what has one series with a `reason` while something is missing.

    A day in which the target or these rules were not there for most of it is none. Steps of a subquery see as far back
    as a sample is fresh (5 m), so they leave no gap.
    """
    up = f'up{{job="{job_of(slo)}"}}' if job_of(slo) else ""
    ways = [_reason(f"absent({up} == 1)", TARGET_DOWN)] if up else []
    if counts_series(slo):
        total = f'{{{names.LABEL_SLO_ID}="{slo.id}", {names.LABEL_EVENTS}="total"}}'
        born = f"group(last_over_time({names.events_record('1h')}{total}[{REMEMBERED}:1h]))"
        conditions = [
            f"absent_over_time({names.events_record(windows.base)}{total}[{MISSED}:{windows.base}])",
            _most_of_it(f'{names.SLO_OBJECTIVE}{{{names.LABEL_SLO_ID}="{slo.id}"}}'),
            *([_most_of_it(f"group({up} == 1)"), f"({up} == 1)"] if up else []),
        ]
        either = f"(\n{_reason(born, VANISHED)}\nor on ()\n{_reason('vector(1)', NEVER_BORN)}\n)"
        ways.append("\nand on ()\n".join([either, *conditions]))
    expr = "\nor\n".join(ways)
    if not slo.exclusions:
        return expr
    return f"(\n{expr}\n)\nunless on ()\n{excluded(slo, windows.base)}"


def _most_of_it(expr: str) -> str:
    return f"(count_over_time({expr}[{MISSED}:1h]) >= {LOOKS})"


def _reason(expr: str, reason: str) -> str:
    return f'label_replace({expr}, "{names.LABEL_REASON}", "{reason}", "", "")'


def _annotations(slo: Slo, links: Links) -> dict[str, str]:
    job = job_of(slo)
    en, ko = {}, {}
    if job:
        en[TARGET_DOWN] = f"No instance of the job {job} answers Prometheus."
        ko[TARGET_DOWN] = f"작업 {job}의 어떤 인스턴스도 Prometheus에 응답하지 않습니다."
    if counts_series(slo):
        en[VANISHED] = f"Its events have had no series for {MISSED}; they had some within {REMEMBERED}."
        en[NEVER_BORN] = f"Its events have had no series for {REMEMBERED}, or since the SLO exists."
        ko[VANISHED] = f"{MISSED} 동안 이벤트 시계열이 없습니다. {REMEMBERED} 안에는 있었습니다."
        ko[NEVER_BORN] = f"{REMEMBERED} 동안, 또는 SLO가 생긴 뒤로 이벤트 시계열이 없었습니다."
    return {
        **slo.annotations,
        "summary": f"{slo.title}: nothing is measured.",
        "description": f"{_chosen(en)} Until it is back the SLO says nothing, good or bad.",
        "summary_ko": f"{slo.title_ko}: 아무것도 측정되지 않습니다.",
        "description_ko": f"{_chosen(ko)} 돌아올 때까지 이 SLO는 좋다고도 나쁘다고도 말하지 못합니다.",
        "runbook_url": links.file(names.runbook_path(NAME)),
        "dashboard_url": links.panel(slo.service, NAME),
        "last_proof": last_proof(NAME),
    }


def _chosen(texts: Mapping[str, str]) -> str:
    """Return a template that says the text of the alert's reason."""
    *first, (_, last) = texts.items()
    tests = [f'eq $labels.{names.LABEL_REASON} "{reason}"' for reason, _ in first]
    heads = [f"{{{{ {'else ' if i else ''}if {test} }}}}" for i, test in enumerate(tests)]
    said = "".join(head + text for head, (_, text) in zip(heads, first, strict=True))
    return f"{said}{{{{ else }}}}{last}{{{{ end }}}}" if first else last
