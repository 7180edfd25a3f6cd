"""What all OpenSLO v1 documents share: their metadata, and references from one to another by name.

Source: https://github.com/OpenSLO/OpenSLO (v1). Names are RFC 1123 labels, which is all that every implementation must
support. Documents of any kind may stand in any file, one after another or as a list; order means nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from bongsu.core.yaml import Node, Reader
from bongsu.slo.model import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bongsu.core.diagnostics import Span
    from bongsu.core.promql import Expression
    from bongsu.slo.model import Exclusion, Policy, Ratio, Raw, Tier

NAME = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_LABEL = re.compile(r"^[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\Z")
_LONGEST_DESCRIPTION = 1050
T = TypeVar("T")


@dataclass(slots=True)
class Library:
    """Documents that others may name, by name, and every reference that was made."""

    sources: dict[str, str] = field(default_factory=dict)
    measures: dict[str, Ratio | Raw | Expression] = field(default_factory=dict)
    conditions: dict[str, Tier] = field(default_factory=dict)
    targets: dict[str, Named] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    maintenance: dict[str, tuple[Exclusion, ...]] = field(default_factory=dict)
    documents: list[Named] = field(default_factory=list)
    references: list[Named] = field(default_factory=list)

    def find(self, kind: str, known: Mapping[str, T], reader: Reader, key: str) -> T | None:
        """Return what the name under `key` refers to; a name that nothing has is slo/reference's business."""
        name = reader.text(key)
        if not name:
            return None
        self.references.append(Named(kind, name, reader.span(key)))
        return known.get(name)


def described(spec: Reader) -> None:
    """Read the description, which is for people and compiled into nothing."""
    if len(spec.text("description", "")) > _LONGEST_DESCRIPTION:
        what = f"the description is longer than {_LONGEST_DESCRIPTION} characters, OpenSLO's limit"
        spec.fail("spec/value", spec.span("description"), what, "shorten it")


def named(meta: Reader) -> str:
    """Return the name in a metadata mapping."""
    name = meta.text("name")
    if name and not NAME.match(name):
        meta.fail("spec/value", meta.span("name"), f"{name!r} is not a name", "use lower case letters, digits and -")
    return name


def labelled(meta: Reader) -> dict[str, tuple[Span, list[str]]]:
    """Return OpenSLO's labels by name: where each stands and its texts; on all but an SLO they are for people."""
    labels = meta.mapping("labels", required=False)
    found: dict[str, tuple[Span, list[str]]] = {}
    for key, node in labels.items():
        span = labels.node.key_span(key)
        values = [one.value for one in (node.value if isinstance(node.value, list) else [node])]
        if not _LABEL.match(key):
            labels.fail("spec/value", span, f"{key!r} is not a label", "use letters, digits, - _ and . (at most 63)")
        elif all(isinstance(value, str) for value in values):
            found[key] = span, values
        else:
            labels.fail("spec/type", node.span, f"{labels.path}.{key} must be text or a list of texts", "quote it")
    return found


def header(reader: Reader, *, required: bool = True) -> tuple[str, Named]:
    """Return the title and the name of a document whose annotations mean nothing to us."""
    meta = reader.mapping("metadata", required=required)
    name = named(meta) if required or meta.has("name") else ""
    title = meta.text("displayName", name)
    labelled(meta)
    meta.strings("annotations")
    meta.done()
    return title, Named("", name, meta.span("name"))


def declare(
    reader: Reader, kind: str, library: Library, into: dict[str, T], read: Callable[[Reader, Library, str], T]
) -> None:
    """Read a document of one kind into the library; the first of a name counts, others are slo/duplicate's business."""
    _, name = header(reader)
    spec = reader.mapping("spec")
    found = read(spec, library, name.name)
    spec.done()
    reader.done()
    library.documents.append(Named(kind, name.name, name.span))
    into.setdefault(name.name, found)


def inline(item: Reader, kind: str, library: Library, read: Callable[[Reader, Library, str], T]) -> T:
    """Read a document that stands where a reference could."""
    item.choice("kind", [kind])
    _, name = header(item)
    spec = item.mapping("spec")
    found = read(spec, library, name.name)
    spec.done()
    item.done()
    return found


def either(
    node: Node,
    parent: Reader,
    library: Library,
    *,
    path: str,
    key: str,
    kind: str,
    known: Mapping[str, T],
    read: Callable[[Reader, Library, str], T],
) -> T | None:
    """Return what an item of a list at `path` is: a `kind` written out, or the name of one under `key`."""
    if isinstance(node.value, str):
        what = f"{path} must be a mapping"
        parent.fail("spec/type", node.span, what, f"write - {key}: {node.value}")
        return None
    item = Reader(node, parent.problems, path)
    if item.has(key) and item.has("spec"):
        item.fail("spec/value", item.span(key), f"{path} has both {key} and spec", "keep one of the two")
    if item.has("spec") or item.has("kind"):
        if item.has(key):
            item.get(key)
        return inline(item, kind, library, read)
    found = library.find(kind, known, item, key)
    item.done()
    return found
