"""Compiled files as Kubernetes objects: what the Prometheus operator selects by label.

Source: https://prometheus-operator.dev/docs/api-reference/api/ (monitoring.coreos.com/v1 PrometheusRule).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core.emit import dump

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.core.yaml import Reader

_NAMESPACE = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_LABEL = re.compile(r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
_VALUE = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """Where objects go, and the labels by which the operator's `ruleSelector` finds them."""

    namespace: str
    labels: Mapping[str, str]


def read_kubernetes(reader: Reader) -> Kubernetes:
    """Read the `kubernetes:` section of a manifest."""
    namespace = reader.text("namespace")
    if reader.has("namespace") and not _NAMESPACE.match(namespace):
        reader.fail(
            "spec/value", reader.span("namespace"), f"{namespace!r} is no namespace", "write lower case letters"
        )
    labels = reader.strings("labels")
    for name, value in labels.items():
        if not _LABEL.match(name) or not _VALUE.match(value):
            reader.fail("spec/value", reader.span("labels"), f"{name}: {value} is no Kubernetes label", "correct it")
    reader.done()
    return Kubernetes(namespace, labels)


def prometheus_rule(file: str, rules: str, settings: Kubernetes) -> str:
    """Return a rule file as a PrometheusRule object; the first line of `rules` is its header and stays the first."""
    header, _, groups = rules.partition("\n")
    about = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": object_name(file),
            "namespace": settings.namespace,
            **({"labels": dict(sorted(settings.labels.items()))} if settings.labels else {}),
        },
    }
    indented = "".join(f"  {line}\n" if line else "\n" for line in groups.splitlines())
    return f"{dump(about, header.removeprefix('# '))}spec:\n{indented}"


def object_name(file: str) -> str:
    """Return the name of the object of a rule file: alerts-CpuHigh.rules.yml is alerts-cpu-high."""
    stem = file.removesuffix(".rules.yml")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", stem).lower()
