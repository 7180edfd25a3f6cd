"""Verdicts on documents of OpenSLO v1, re-typed from what its own projects test (rows 22 to 26 of our survey).

Sources of the cases: OpenSLO/OpenSLO schema-test/schema_test.go, OpenSLO/go-sdk pkg/openslo/v1/*_test.go and
pkg/openslosdk/inline_test.go, OpenSLO/oslo test/inputs/validate. Where we refuse what they accept, the reason stands
beside the case.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from bongsu.slo.load import load
from bongsu.slo.model import Calendar, Ratio, Raw, Spend, Threshold, Timeslices

QUERY = "sum(rate(x_total[{{.window}}]))"
SOURCE = {"metricSource": {"type": "Prometheus", "spec": {"query": QUERY}}}
METADATA = {"name": "answers", "annotations": {"bongsu/alert": "AnswersBurn", "bongsu/title-ko": "답변"}}
RATIO: dict[str, Any] = {"counter": True, "good": SOURCE, "total": SOURCE}
CALENDAR = {"startTime": "2026-01-21 12:30:00", "timeZone": "America/New_York"}
CONDITION = {
    "severity": "page",
    "condition": {"kind": "burnrate", "op": "gt", "threshold": 2, "lookbackWindow": "1h", "alertAfter": "5m"},
}
POLICY = {
    "description": "",
    "alertWhenBreaching": True,
    "alertWhenNoData": False,
    "conditions": [{"conditionRef": "cpu"}],
    "notificationTargets": [{"targetRef": "mail"}],
}
SPEC: dict[str, Any] = {
    "description": "",
    "service": "web",
    "indicator": {"metadata": {"name": "foo", "displayName": "Foo"}, "spec": {"ratioMetric": RATIO}},
    "timeWindow": [{"duration": "30d", "isRolling": True}],
    "budgetingMethod": "Occurrences",
    "objectives": [{"displayName": "Foo", "target": 0.98}],
}


def document(kind: str, spec: Any, **metadata: Any) -> dict[str, Any]:
    base = METADATA if kind == "SLO" else {"name": "answers"}
    return {"apiVersion": "openslo/v1", "kind": kind, "metadata": base | metadata, "spec": spec}


def slo(**changes: Any) -> dict[str, Any]:
    """Return an SLO with some keys of its spec changed; None removes one."""
    spec = {key: value for key, value in (SPEC | changes).items() if value is not None}
    return document("SLO", spec)


def sli(metric: Any) -> dict[str, Any]:
    return slo(indicator={"spec": metric})


def objective(**changes: Any) -> dict[str, Any]:
    return {"objectives": [{k: v for k, v in ({"target": 0.98} | changes).items() if v is not None}]}


def condition(**changes: Any) -> dict[str, Any]:
    inner = {k: v for k, v in (CONDITION["condition"] | changes).items() if v is not None}  # type: ignore[operator]
    return document("AlertCondition", CONDITION | {"condition": inner})


def policy(**changes: Any) -> dict[str, Any]:
    return document("AlertPolicy", {key: value for key, value in (POLICY | changes).items() if value is not None})


def without(spec: dict[str, Any], key: str) -> dict[str, Any]:
    found = deepcopy(spec)
    del found[key]
    return found


def window(**window: Any) -> dict[str, Any]:
    return slo(timeWindow=[window])


VALID = {
    "rolling": slo(),
    "rolling months": window(duration="1M", isRolling=True),
    "a calendar": window(duration="1d", calendar=CALENDAR, isRolling=False),
    "a calendar, rolling unsaid": window(duration="1Q", calendar=CALENDAR),
    "no alerts": slo(alertPolicies=[]),
    "percent": slo(objectives=[{"targetPercent": 99.9999}]),
    "bad and total": sli({"ratioMetric": {"counter": True, "bad": SOURCE, "total": SOURCE}}),
    "raw": sli({"ratioMetric": {"rawType": "success", "raw": SOURCE}}),
    "a gauge": sli({"ratioMetric": {"counter": False, "good": SOURCE, "total": SOURCE}}),
    "threshold": slo(indicator={"spec": {"thresholdMetric": SOURCE}}, **objective(op="lt", value=0)),
    "time slices": slo(budgetingMethod="Timeslices", **objective(timeSliceTarget=1.0, timeSliceWindow="1m")),
    "minutes": slo(budgetingMethod="RatioTimeslices", **objective(timeSliceWindow=5)),
    "long description": slo(description="A" * 1050),
    "labels": document("Service", {}, labels={"team": "identity", "tags": ["auth", "web"]}),
    "service": document("Service", {"description": "x"}, displayName="X"),
    "data source": document("DataSource", {"type": "Prometheus", "connectionDetails": {"url": "http://x"}}),
    "SLI": document("SLI", {"description": "x", "ratioMetric": RATIO}),
    "SLI of a data source": document(
        "SLI", {"thresholdMetric": {"metricSource": {"metricSourceRef": "main", "spec": {"query": "x"}}}}
    ),
    "target": document("AlertNotificationTarget", {"target": "email"}),
    "described target": document("AlertNotificationTarget", {"target": "email", "description": "x"}),
    "condition": condition(),
    "condition at once": condition(alertAfter=None),
    "policy": policy(),
    "policy, two targets": policy(notificationTargets=[{"targetRef": "mail"}, {"targetRef": "chat"}]),
    "policy, inline": policy(
        conditions=[{"kind": "AlertCondition", "metadata": {"name": "cpu"}, "spec": CONDITION}],
        notificationTargets=[
            {"kind": "AlertNotificationTarget", "metadata": {"name": "mail"}, "spec": {"target": "email"}}
        ],
    ),
}
INVALID: dict[str, tuple[dict[str, Any], str]] = {
    # OpenSLO: schema_test.go, "invalid"
    "another version": (slo() | {"apiVersion": "openslo/v2alpha"}, "spec/value"),
    "no kind": (without(slo(), "kind"), "spec/missing-key"),
    "condition without severity": (document("AlertCondition", without(CONDITION, "severity")), "spec/missing-key"),
    "condition without condition": (document("AlertCondition", without(CONDITION, "condition")), "spec/missing-key"),
    "target without target": (document("AlertNotificationTarget", {"description": "x"}), "spec/missing-key"),
    "policy with malformed condition": (policy(conditions=[{"foo": "bar"}]), "spec/unknown-key"),
    "policy with an operator": (policy(conditions=[{"operator": "and", "conditionRef": "cpu"}]), "spec/unknown-key"),
    "policy with malformed target": (policy(notificationTargets=[{"foo": "mail"}]), "spec/unknown-key"),
    "policy with two conditions": (policy(conditions=[{"conditionRef": "a"}, {"conditionRef": "b"}]), "spec/value"),
    "policy without conditions": (policy(conditions=None), "spec/missing-key"),
    "policy without targets": (policy(notificationTargets=None), "spec/missing-key"),
    "policy with no target": (policy(notificationTargets=[]), "spec/value"),
    "long description of a service": (document("Service", {"description": "A" * 1051}), "spec/value"),
    # go-sdk: slo_test.go, sli_test.go, alert_condition_test.go, duration_shorthand_test.go
    "long description": (slo(description="A" * 1051), "spec/value"),
    "unknown method": (slo(budgetingMethod="invalid"), "spec/value"),
    "no service": (slo(service=None), "spec/missing-key"),
    "no indicator": (slo(indicator=None), "spec/missing-key"),
    "both indicators": (slo(indicatorRef="foo"), "spec/value"),
    "indicator in the objective": (slo(**objective(indicatorRef="foo")), "spec/value"),
    "composite weight": (slo(**objective(compositeWeight=-2.0)), "spec/value"),
    "no window": (slo(timeWindow=[]), "spec/value"),
    "two windows": (slo(timeWindow=SPEC["timeWindow"] * 2), "spec/value"),
    "no duration": (window(isRolling=True), "spec/missing-key"),
    "rolling calendar": (window(duration="1w", isRolling=True, calendar=CALENDAR), "spec/value"),
    "neither rolling nor calendar": (window(duration="1w", isRolling=False), "spec/value"),
    "no such duration": (window(duration="invalid", isRolling=True), "spec/value"),
    "negative duration": (window(duration="-1d", isRolling=True), "spec/value"),
    "no unit": (window(duration="1", isRolling=True), "spec/value"),
    "start without a time": (window(duration="1M", calendar=CALENDAR | {"startTime": "2026-01-01"}), "spec/value"),
    "no such zone": (window(duration="1M", calendar=CALENDAR | {"timeZone": "Asia/Soul"}), "spec/value"),
    "target and percent": (slo(**objective(targetPercent=98)), "spec/value"),
    "no target": (slo(objectives=[{"displayName": "x"}]), "spec/missing-key"),
    "threshold without op": (
        slo(indicator={"spec": {"thresholdMetric": SOURCE}}, **objective(value=1)),
        "spec/missing-key",
    ),
    "threshold without value": (
        slo(indicator={"spec": {"thresholdMetric": SOURCE}}, **objective(op="lt")),
        "spec/missing-key",
    ),
    "no such op": (slo(indicator={"spec": {"thresholdMetric": SOURCE}}, **objective(op="eq", value=1)), "spec/value"),
    "slices without target": (slo(budgetingMethod="Timeslices", **objective(timeSliceWindow="5m")), "spec/missing-key"),
    "slices without length": (slo(budgetingMethod="Timeslices", **objective(timeSliceTarget=0.9)), "spec/missing-key"),
    "slice target 0": (
        slo(budgetingMethod="Timeslices", **objective(timeSliceTarget=0, timeSliceWindow="5m")),
        "spec/value",
    ),
    "slice target 1.1": (
        slo(budgetingMethod="Timeslices", **objective(timeSliceTarget=1.1, timeSliceWindow=5)),
        "spec/value",
    ),
    "policy as text": (slo(alertPolicies=["wake"]), "spec/type"),
    "policy by name and written out": (
        slo(
            alertPolicies=[{"alertPolicyRef": "wake", "kind": "AlertPolicy", "metadata": {"name": "a"}, "spec": POLICY}]
        ),
        "spec/value",
    ),
    "policy of another kind": (
        slo(alertPolicies=[{"kind": "DataSource", "metadata": {"name": "a"}, "spec": POLICY}]),
        "spec/value",
    ),
    "neither ratio nor threshold": (sli({}), "spec/value"),
    "ratio and threshold": (sli({"ratioMetric": RATIO, "thresholdMetric": SOURCE}), "spec/value"),
    "good and bad": (sli({"ratioMetric": RATIO | {"bad": SOURCE}}), "spec/value"),
    "raw and total": (sli({"ratioMetric": {"raw": SOURCE, "rawType": "success", "total": SOURCE}}), "spec/value"),
    "raw of no type": (sli({"ratioMetric": {"raw": SOURCE}}), "spec/missing-key"),
    "raw of another type": (sli({"ratioMetric": {"raw": SOURCE, "rawType": "good"}}), "spec/value"),
    "no source": (sli({"ratioMetric": {"good": {}, "total": SOURCE}}), "spec/missing-key"),
    "condition of another kind": (condition(kind="latency"), "spec/value"),
    "condition without op": (condition(op=None), "spec/missing-key"),
    "condition without threshold": (condition(threshold=None), "spec/missing-key"),
    "condition without window": (condition(lookbackWindow=None), "spec/missing-key"),
    "a name in capitals": (document("Service", {}, name="TestService"), "spec/value"),
    "a label that is none": (document("Service", {}, labels={"-team": "x"}), "spec/value"),
    # What `oslo validate` refuses.
    "unknown field": (document("Service", {"markdown": "x"}), "spec/unknown-key"),
    "a name with a space": (document("Service", {}, name="my-rad service"), "spec/value"),
    # Ours: what OpenSLO allows and we do not compile.
    "another source than Prometheus": (document("DataSource", {"type": "CloudWatch"}), "spec/value"),
    "a query without a window": (
        sli({"ratioMetric": RATIO | {"total": {"metricSource": {"type": "Prometheus", "spec": {"query": "x"}}}}}),
        "spec/value",
    ),
    "op on a ratio": (slo(**objective(op="gt")), "spec/value"),
    "two objectives": (slo(objectives=SPEC["objectives"] * 2), "spec/value"),
    "less than a day": (window(duration="12h", isRolling=True), "spec/value"),
    "a slice of a day": (
        slo(budgetingMethod="Timeslices", **objective(timeSliceTarget=0.9, timeSliceWindow="1d")),
        "spec/value",
    ),
    "an alert while nothing burns": (condition(op="lte"), "spec/value"),
    "a policy that never alerts": (policy(alertWhenBreaching=False), "spec/value"),
    "an unknown severity": (document("AlertCondition", CONDITION | {"severity": "urgent"}), "spec/value"),
}


def codes(*documents: dict[str, Any]) -> list[str]:
    return [problem.code for problem in load({"slo/x.yaml": json.dumps(list(documents))})[1]]


@pytest.mark.parametrize("name", VALID)
def test_a_valid_document_is_read_without_a_word(name: str) -> None:
    assert codes(VALID[name]) == []


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_document_is_refused(name: str) -> None:
    found, code = INVALID[name]
    assert code in codes(found)


def test_a_target_of_one_is_refused_by_the_objective_check() -> None:
    slos, _ = load({"slo/x.yaml": json.dumps([slo(**objective(target=1.0))])})
    assert not slos.slos[0].sane
    assert slos.windows == {}


def test_references_are_kept_for_the_check_that_finds_the_dangling_ones() -> None:
    slos, problems = load({"slo/x.yaml": json.dumps([slo(indicator=None, indicatorRef="nothing"), policy()])})
    assert problems == []
    assert [(one.kind, one.name) for one in slos.references] == [
        ("AlertCondition", "cpu"),
        ("AlertNotificationTarget", "mail"),
        ("SLI", "nothing"),
    ]
    assert slos.windows == {}


def test_inline_and_by_reference_in_other_files_mean_the_same() -> None:
    whole = policy(
        conditions=[{"kind": "AlertCondition", "metadata": {"name": "cpu"}, "spec": CONDITION}],
        notificationTargets=[
            {"kind": "AlertNotificationTarget", "metadata": {"name": "mail"}, "spec": {"target": "x"}}
        ],
    )
    inline = slo(alertPolicies=[{key: whole[key] for key in ("kind", "metadata", "spec")}])
    parts = [
        slo(indicator=None, indicatorRef="answers", alertPolicies=[{"alertPolicyRef": "answers"}]),
        document("SLI", {"ratioMetric": RATIO}),
        policy(),
        document("AlertCondition", CONDITION, name="cpu"),
        document("AlertNotificationTarget", {"target": "x"}, name="mail"),
    ]
    files = {f"slo/{i}.yaml": json.dumps(part) for i, part in enumerate(parts)}
    one, problems = load({"slo/x.yaml": json.dumps(inline)})
    many, others = load(files)
    assert problems == others == []
    assert [(t.name, t.severity, t.factor, t.long, t.hold) for t in one.tiers(one.slos[0])] == [
        ("cpu", "critical", 2, "1h", 300.0)
    ]
    assert many.tiers(many.slos[0]) == one.tiers(one.slos[0])
    assert [document.kind for document in many.documents] == [
        "SLI", "AlertCondition", "AlertNotificationTarget", "AlertPolicy",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ("rolling", Ratio),
        ("raw", Raw),
        ("threshold", Threshold),
        ("time slices", Timeslices),
        ("minutes", Timeslices),
    ],
)
def test_each_indicator_is_read_as_what_it_is(found: str, kind: type) -> None:
    slos, _ = load({"slo/x.yaml": json.dumps(VALID[found])})
    assert isinstance(slos.slos[0].indicator, kind)


def test_a_threshold_that_is_a_budget_is_spent() -> None:
    text = deepcopy(VALID["threshold"])
    text["metadata"]["annotations"]["bongsu/indicator"] = "spend"
    text["spec"]["objectives"] = [{"op": "lte", "value": 1120, "target": 0.99}]
    slos, problems = load({"slo/x.yaml": json.dumps(text)})
    assert problems == []
    assert isinstance(slos.slos[0].indicator, Spend)
    assert {tier.events for tier in slos.tiers(slos.slos[0])} == {0}


def test_a_calendar_is_fitted_to_its_nominal_length_and_named_as_it_is_written() -> None:
    slos, _ = load({"slo/x.yaml": json.dumps(VALID["a calendar, rolling unsaid"])})
    (found,) = slos.slos
    assert isinstance(found.calendar, Calendar)
    assert (found.period, found.window, slos.windows[found.id].budget) == ("90d", "1Q", "1Q")


def test_what_counts_time_has_no_number_of_bad_events_to_wait_for() -> None:
    text = deepcopy(VALID["threshold"])
    text["metadata"]["annotations"]["bongsu/min-bad-events"] = "5"
    assert codes(text) == ["spec/value"]
