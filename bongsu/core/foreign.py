"""Metrics of others: what `metrics:` of the manifest says may stand in expressions besides what we know ourselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bongsu.core.diagnostics import Span
    from bongsu.core.yaml import Reader

_PATTERN = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\*?")


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
