"""Routes decide who is told, by severity: a notification target that says otherwise is never told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "slo/target"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each target of a policy that is neither the receiver nor a channel of the route its severity takes."""
    routes = catalogue.alerts.routes
    policies = ((slo, policy) for slo in catalogue.slos.slos for policy in slo.policies if policy.tier)
    for slo, policy in policies:
        route = routes.of(policy.tier.severity) if routes and policy.tier else None
        if routes is None or route is None or policy.tier is None:
            continue  # alert/route speaks
        for target in policy.targets:
            if target.name and target.name not in (route.receiver, *route.channels):
                yield Problem(
                    CODE,
                    SEVERITY,
                    target.span,
                    f"{slo.name}: {target.name} is not told of {policy.tier.severity} alerts",
                    f"they go to {route.receiver} ({', '.join(route.channels)})",
                    f"name one of these, or change the route in {routes.file}",
                )
