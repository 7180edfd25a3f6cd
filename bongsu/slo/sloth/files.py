"""Write what compat compiles: Prometheus rule files, and PrometheusRule objects for who came with Kubernetes objects.

Several documents of a file become one rule file with all their groups: Sloth parts them by `---`, of which Prometheus
reads the first only. Objects stay documents of one file, as `kubectl apply` takes them.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bongsu.core.artefacts import header
from bongsu.core.diagnostics import Problem, Severity
from bongsu.core.emit import dump
from bongsu.core.yaml import Reader, load_documents
from bongsu.slo.rules import group_data
from bongsu.slo.sloth.compat import BUILT_IN, Catalogue, Flags, catalogue_of, compile_document, go_duration, period_of
from bongsu.slo.sloth.read import is_sloth, read
from bongsu.slo.windows import alert_windows, usable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bongsu.slo.rules import Group
    from bongsu.slo.sloth.model import Document, Metadata

_MANAGED = {"app.kubernetes.io/component": "SLO", "app.kubernetes.io/managed-by": "sloth"}


def documents_of(texts: Mapping[str, str]) -> tuple[list[Document], dict[float, Catalogue]]:
    """Return Sloth's documents in `{file: text}`, and the windows of each period: Sloth's own and those declared.

    What is wrong in the files is for bongsu.slo.load to say: it reads the same documents.
    """
    found: list[Document] = []
    catalogues = dict(BUILT_IN)
    ignored: list[Problem] = []
    for file in sorted(texts):
        for node in load_documents(texts[file], file)[0]:
            if is_sloth(node):
                found.append(read(node, ignored))
            elif isinstance(node.value, dict) and node.plain().get("kind") == "AlertWindows":
                reader = Reader(node, ignored)
                reader.items()
                rules = alert_windows(reader)
                catalogues |= {rules.period: catalogue_of(rules)} if usable(rules) else {}
    return found, catalogues


def without_windows(
    documents: Iterable[Document], catalogues: Mapping[float, Catalogue], flags: Flags
) -> list[Problem]:
    """Return a problem for each SLO over a period that no windows are declared for."""
    return [
        Problem(
            "spec/value",
            Severity.ERROR,
            slo.span,
            f"no windows are declared for a period of {go_duration(period_of(slo, flags))}",
            "Sloth has tiers for 28 and 30 days only",
            "write a document of kind AlertWindows for this period beside the SLOs",
        )
        for document in documents
        for slo in document.slos
        if period_of(slo, flags) not in catalogues
    ]


def compile_files(documents: Iterable[Document], catalogues: Mapping[float, Catalogue], flags: Flags) -> dict[str, str]:
    """Return `{file name: text}`: per source file its rules, its objects, or both; without a rule, no file."""
    groups: dict[str, list[Group]] = {}
    objects: dict[str, list[str]] = {}
    sources: dict[str, dict[str, None]] = {}
    for document in documents:
        made = compile_document(document, catalogues, flags)
        stem = PurePosixPath(document.file).stem
        if made and document.metadata is None:
            groups.setdefault(stem, []).extend(made)
            sources.setdefault(stem, {})[document.file] = None
        elif made and document.metadata is not None:
            objects.setdefault(stem, []).append(_object(document.metadata, made, document.file))
    rules = {
        f"{stem}.rules.yml": dump({"groups": [group_data(one) for one in found]}, header(", ".join(sources[stem])))
        for stem, found in groups.items()
    }
    return rules | {f"{stem}.objects.yml": "---\n".join(found) for stem, found in objects.items()}


def _object(metadata: Metadata, groups: Iterable[Group], source: str) -> str:
    found = {
        "name": metadata.name,
        "namespace": metadata.namespace,
        "labels": {**metadata.labels, **_MANAGED},
        "annotations": metadata.annotations,
    }
    return dump(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {key: value for key, value in found.items() if value},
            "spec": {"groups": [group_data(one) for one in groups]},
        },
        header(source),
    )
