"""Names of others: metrics that they export, values that they give to labels of ours, labels that they ask for.

Metrics: what `metrics:` of the manifest says may stand in expressions besides what we know ourselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bongsu.core.metric import OF_THE_SYSTEM

if TYPE_CHECKING:
    from bongsu.core.diagnostics import Span
    from bongsu.core.yaml import Reader

_PATTERN = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\*?")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A metric somebody else exports: its name as a query spells it (`x_bucket`, not `x`), or `prefix*` for many."""

    pattern: str
    span: Span

    def covers(self, name: str) -> bool:
        """Tell whether a metric of this name is meant."""
        return name.startswith(self.pattern[:-1]) if self.pattern.endswith("*") else name == self.pattern


def read_foreign(root: Reader) -> tuple[Foreign, ...]:
    """Return what `metrics:` lists; one `*` may stand at the end, after at least one character."""
    found: dict[str, Foreign] = {}
    for node in root.sequence("metrics", required=False):
        if not isinstance(node.value, str) or not _PATTERN.fullmatch(node.value):
            what = f"metrics: {node.plain()!r} is neither the name of a metric nor prefix*"
            root.fail("spec/value", node.span, what, "write a name such as http_requests_total, or myapp_*")
        elif node.value in found:
            root.fail("manifest/duplicate", node.span, f"metrics: {node.value} stands twice", "remove one")
        else:
            found[node.value] = Foreign(node.value, node.span)
    return tuple(found.values())


def read_labels(root: Reader) -> dict[str, tuple[str, ...]]:
    """Return what `labels:` says: the values of labels that the system chooses, () for any."""
    found: dict[str, tuple[str, ...]] = {}
    for name, node in root.mapping("labels", required=False).items():
        values: list[Any] = [item.value for item in node.value] if isinstance(node.value, list) else [None]
        if name not in OF_THE_SYSTEM:
            what = f"labels: {name} is no label whose values a system chooses"
            root.fail("spec/value", node.span, what, f"known: {', '.join(sorted(OF_THE_SYSTEM))}")
        elif not all(isinstance(value, str) for value in values):
            root.fail(
                "spec/type", node.span, f"labels: {name} must be a list of texts", "write [planner, writer], or []"
            )
        else:
            found[name] = tuple(map(str, values))
    return found


def read_required_labels(root: Reader) -> dict[str, str]:
    """Return what `required_labels:` says: a regular expression for each label that every alert has to carry."""
    patterns = root.strings("required_labels")
    for name, pattern in patterns.items():
        span = root.mapping("required_labels").span(name)
        if not _LABEL.fullmatch(name):
            root.fail("spec/value", span, f"required_labels: {name!r} is not a label", "use letters, digits and _")
        try:
            re.compile(pattern)
        except re.error as error:
            what = f"required_labels: {name}: {pattern!r} is no regular expression: {error}"
            root.fail("spec/value", span, what, "write one such as search|platform, or .+ for any value")
    return patterns
