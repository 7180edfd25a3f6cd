"""Judge whether two sets of Prometheus rules are the same: parsed, not as text; numbers to 1e-9.

It imports nothing of the compilers it judges: YAML in, sentences about differences out. Parentheses that only group are
looked through, the order of matchers and of label lists does not matter; everything else does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import promql_parser
import yaml

PRECISION = 1e-9
Tree = tuple[Any, ...] | str | float | bool | None


def groups_of(text: str) -> list[dict[str, Any]]:
    """Return the groups of every document of a rule file, or of PrometheusRule objects."""
    documents = [document for document in yaml.safe_load_all(text) if document]
    return [group for document in documents for group in document.get("spec", document)["groups"]]


def differences(wanted: str, found: str) -> list[str]:
    """Return what differs, a sentence each; empty when all groups and rules are the same, in the same order."""
    return [
        sentence
        for want, got in zip_longest(groups_of(wanted), groups_of(found))
        for sentence in _group_differences(want, got)
    ]


def _group_differences(want: dict[str, Any] | None, got: dict[str, Any] | None) -> Iterator[str]:
    if want is None or got is None:
        yield f"group {(want or got or {})['name']} is {'too many' if want is None else 'missing'}"
        return
    if _without(want, "rules") != _without(got, "rules"):
        yield f"group {_without(want, 'rules')} became {_without(got, 'rules')}"
    for number, (left, right) in enumerate(zip_longest(want["rules"], got["rules"])):
        where = f"{want['name']}[{number}]"
        if left is None or right is None:
            yield f"{where} is {'too many' if left is None else 'missing'}"
        else:
            yield from _rule_differences(where, left, right)


def _rule_differences(where: str, want: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    for key in sorted({*want, *got} - {"expr"}):
        if want.get(key) != got.get(key):
            yield f"{where} {key}: {want.get(key)} became {got.get(key)}"
    if not same(tree(want["expr"]), tree(got["expr"])):
        yield f"{where} expr: {want['expr'].strip()} became {got['expr'].strip()}"


def _without(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def same(left: Tree, right: Tree) -> bool:
    """Compare two trees; numbers may differ by one part in 1e9."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=PRECISION, abs_tol=0.0) or (math.isnan(left) and math.isnan(right))
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return left == right


def tree(expr: str) -> Tree:
    """Return an expression as nested tuples."""
    return _tree(promql_parser.parse(expr))


def _tree(node: Any) -> Tree:
    kind = type(node).__name__
    if kind == "ParenExpr":
        return _tree(node.expr)
    return (kind, *_PARTS[kind](node))


def _modifier(modifier: Any) -> Tree:
    if modifier is None:
        return None
    labels = _list(modifier.matching)
    return (str(modifier.card), labels, tuple(sorted(modifier.group_labels or ())), modifier.return_bool)


def _list(modifier: Any) -> Tree:
    return None if modifier is None else (str(modifier.type), *sorted(modifier.labels))


def _optional(node: Any) -> Tree:
    return None if node is None else _tree(node)


def _many(nodes: Sequence[Any]) -> tuple[Tree, ...]:
    return tuple(_tree(node) for node in nodes)


def _matchers(node: Any) -> tuple[Tree, ...]:
    return tuple(sorted((m.name, str(m.op), m.value) for m in node.matchers.matchers))


_PARTS: dict[str, Any] = {
    "NumberLiteral": lambda n: (float(n.val),),
    "StringLiteral": lambda n: (n.val,),
    "UnaryExpr": lambda n: (_tree(n.expr),),
    "BinaryExpr": lambda n: (str(n.op), _tree(n.lhs), _tree(n.rhs), _modifier(n.modifier)),
    "AggregateExpr": lambda n: (str(n.op), _tree(n.expr), _optional(n.param), _list(n.modifier)),
    "Call": lambda n: (n.func.name, *_many(n.args)),
    "VectorSelector": lambda n: (n.name, _matchers(n), str(n.offset), str(n.at)),
    "MatrixSelector": lambda n: (_tree(n.vector_selector), str(n.range)),
    "SubqueryExpr": lambda n: (_tree(n.expr), str(n.range), str(n.step), str(n.offset), str(n.at)),
}
