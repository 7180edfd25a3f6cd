"""What a Sloth document declares, whichever of its three spellings it uses.

Source: https://github.com/slok/sloth, pkg/prometheus/api/v1, pkg/kubernetes/api/sloth/v1, internal/storage/io.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.core.diagnostics import Span
    from bongsu.core.promql import Expression

PROMETHEUS, KUBERNETES, OPENSLO = "prometheus/v1", "sloth.slok.dev/v1", "openslo/v1alpha"
MODES = {PROMETHEUS: "cli-gen-prom", KUBERNETES: "cli-gen-k8s", OPENSLO: "cli-gen-openslo"}
"""What Sloth's command line writes into the label `sloth_mode`, by the spelling it read."""


@dataclass(frozen=True, slots=True)
class Sli:
    """How an SLO is measured: error and total events, good and total events, or a ready ratio of errors (0 to 1)."""

    error: Expression | None = None
    good: Expression | None = None
    total: Expression | None = None
    ratio: Expression | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """What a page or a ticket carries beside Sloth's own labels and annotations."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SlothSlo:
    """One SLO; `objective` is a percentage (NaN when it was refused), `period` is empty when the caller decides."""

    service: str
    name: str
    description: str
    objective: float
    labels: Mapping[str, str]
    sli: Sli
    alert: str
    page: Alert | None
    ticket: Alert | None
    span: Span
    objective_span: Span
    service_span: Span
    alert_span: Span
    period: str = ""

    @property
    def id(self) -> str:
        """Return Sloth's id, `<service>-<name>`."""
        return f"{self.service}-{self.name}"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the Kubernetes object is called; its PrometheusRule takes it over."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Document:
    """The SLOs of one document; `spec` is its spelling, `metadata` is the Kubernetes object's."""

    spec: str
    file: str
    slos: tuple[SlothSlo, ...]
    metadata: Metadata | None = None
