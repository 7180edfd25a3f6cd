"""Routes decide who is told, by severity: a notification target that says otherwise is never told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.alerts.model import Escalation, Route
    from bongsu.checks.model import Catalogue

CODE = "slo/target"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each target of a policy that is neither a receiver nor a channel of the routes its alert visits."""
    routes = catalogue.alerts.routes
    policies = ((slo, policy) for slo in catalogue.slos.slos for policy in slo.policies)
    for slo, policy in policies:
        visited = routes.visited(policy.tier.severity, slo.service) if routes and policy.tier else ()
        if routes is None or not visited or policy.tier is None:
            continue  # alert/route speaks
        told = [one for route in visited for one in (route, route.escalate) if one]
        for target in policy.targets:
            if target.name and not any(target.name in (one.receiver, *one.channels) for one in told):
                yield Problem(
                    CODE,
                    SEVERITY,
                    target.span,
                    f"{slo.name}: {target.name} is not told of {policy.tier.severity} alerts",
                    f"they go to {' and '.join(map(_named, told))}",
                    f"name one of these, or change the route in {routes.file}",
                )


def _named(one: Route | Escalation) -> str:
    return f"{one.receiver} ({', '.join(one.channels)})"
