"""A tier whose threshold is 100 % or more cannot fire, not even in a total outage."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity
from bongsu.slo.model import decimal_text, is_dead, threshold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.checks.model import Catalogue

CODE = "slo/dead-tier"
SEVERITY = Severity.ERROR


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each tier with factor x (1 - objective) >= 1."""
    for slo in catalogue.slos.slos:
        for tier in catalogue.slos.tiers(slo) if slo.id in catalogue.slos.windows else ():
            if is_dead(tier, slo.objective):
                own = "alertPolicies" if slo.policies else f"AlertWindows of {slo.period}"
                lowest = (1 - 1 / tier.factor).quantize(Decimal("0.0001"), ROUND_UP)
                share = decimal_text(threshold(tier, slo.objective) * 100)
                yield Problem(
                    CODE,
                    SEVERITY,
                    slo.objective_span,
                    f"tier {tier.name} of {slo.name} can never fire: it waits for {share}% bad events",
                    f"factor {decimal_text(tier.factor)} x (1 - {slo.objective:g}) is not below 1: "
                    "a total outage would page late or not at all",
                    f"raise the objective to at least {decimal_text(lowest)}, or remove the {own}: "
                    "the packaged tiers fit themselves to it",
                )
