"""Every problem code that the source can report, read from its syntax tree: nobody keeps a list by hand."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CALLS = {"Problem", "_problem", "fail"}
"""The constructor, the modules' short forms of it, and a reader's."""


def codes_in(package: Path) -> dict[str, set[str]]:
    """Return code to the severities it is reported with; raise AssertionError for a call whose code cannot be read."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = dict(_constants(tree))
        for function in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]:
            parameters = {arg.arg for arg in function.args.args} if isinstance(function, ast.FunctionDef) else set()
            for call in _calls(function):
                code, severity = call.args[0], call.args[1] if len(call.args) > 1 else None
                if isinstance(code, ast.Name) and code.id in parameters:
                    continue  # a short form: its callers are read
                value = constants.get(code.id) if isinstance(code, ast.Name) else getattr(code, "value", None)
                assert isinstance(value, str), f"{path}:{call.lineno}: which code is this?"
                named = constants.get(severity.id) if isinstance(severity, ast.Name) else _severity(severity)
                found[value].add(named or "error")
    return dict(found)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the module's texts, and the names of severities, by the names they are assigned to."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                for name, value in zip(names, values, strict=False):
                    text = value.value if isinstance(value, ast.Constant) else _severity(value)
                    if isinstance(name, ast.Name) and isinstance(text, str):
                        yield name.id, text


def _severity(node: ast.expr | None) -> str:
    known = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Severity"
    return node.attr.lower() if known and isinstance(node, ast.Attribute) else ""


def _calls(function: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of one function (or of a module), without those of functions inside it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.FunctionDef):
            continue
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in _CALLS:
                yield node
        yield from _calls(node)
