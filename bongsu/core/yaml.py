"""YAML with positions: strict where YAML 1.1 is treacherous, every value knows its line and column.

Why not `safe_load`: duplicate keys silently win, `no` becomes False, `1:30` becomes 90 and `0600` becomes 384.
Source of the traps: measured with PyYAML 6; https://yaml.org/type/ (YAML 1.1 types).
"""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from bongsu.core.diagnostics import Problem, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TRAP_BOOLEAN = re.compile(r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$")
_TRAP_NUMBER = re.compile(r"^(?:0[0-7]+|[0-9]+(?::[0-5]?[0-9])+)$")
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Node:
    """One YAML value: `value` is None, bool, int, float, str, a list of nodes or a dict of key to node."""

    value: Any
    span: Span
    keys: dict[str, Span] = field(default_factory=dict)

    def plain(self) -> Any:
        """Return the value without positions."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value


def load_documents(text: str, file: str) -> tuple[list[Node], list[Problem]]:
    """Return the non-empty documents of a YAML text and every problem of its form."""
    problems: list[Problem] = []
    if len(text.encode()) > _MAX_BYTES:
        return [], [_problem("yaml/too-large", Span(file), f"the file is larger than {_MAX_BYTES} bytes", "split it")]
    try:
        roots = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(file, mark.line + 1, mark.column + 1) if mark else Span(file)
        what = " ".join(str(part) for part in (error.context, error.problem) if part)
        return [], [_problem("yaml/syntax", span, f"not valid YAML: {what}", "correct the syntax at this place")]
    except (yaml.YAMLError, RecursionError) as error:
        return [], [_problem("yaml/syntax", Span(file), f"not valid YAML: {error}", "remove the offending characters")]
    nodes = [_convert(root, file, problems) for root in roots if root is not None]
    return [node for node in nodes if node.value is not None], problems


class _Loader(yaml.SafeLoader):
    """Compose only: construction, and with it YAML 1.1 guessing, is ours; aliases (and their bombs) are refused."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # PyYAML ships no types for it
            raise yaml.composer.ComposerError(None, None, "aliases are not supported here, write the value out", mark)
        return super().compose_node(parent, index)


def _convert(node: yaml.Node, file: str, problems: list[Problem]) -> Node:
    span = Span(
        file,
        node.start_mark.line + 1,
        node.start_mark.column + 1,
        max(1, node.end_mark.column - node.start_mark.column) if node.start_mark.line == node.end_mark.line else 1,
    )
    if isinstance(node, yaml.MappingNode):
        return _convert_mapping(node, span, file, problems)
    if isinstance(node, yaml.SequenceNode):
        return Node([_convert(item, file, problems) for item in node.value], span)
    return Node(_scalar(node, span, problems), span)


def _convert_mapping(node: yaml.MappingNode, span: Span, file: str, problems: list[Problem]) -> Node:
    values: dict[str, Node] = {}
    keys: dict[str, Span] = {}
    for key_node, value_node in node.value:
        key_span = Span(file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
            problems.append(_problem("yaml/key", key_span, "a key must be plain text", "write the keys out one by one"))
            continue
        key = str(key_node.value)
        key_span = Span(file, key_span.line, key_span.column, max(1, len(key)))
        if key in values:
            problems.append(
                _problem(
                    "yaml/duplicate-key",
                    key_span,
                    f"key {key!r} stands twice, first on line {keys[key].line}",
                    "keep one of the two",
                    "YAML parsers silently keep the last one",
                )
            )
            continue
        values[key], keys[key] = _convert(value_node, file, problems), key_span
    return Node(values, span, keys)


def _scalar(node: yaml.Node, span: Span, problems: list[Problem]) -> Any:
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return text
    if _TRAP_BOOLEAN.match(text) or _TRAP_NUMBER.match(text):
        problems.append(
            _problem(
                "yaml/trap",
                span,
                f"{text} means something else to YAML 1.1 readers",
                f'quote it ("{text}") or write true, false or a plain number',
                "yes/no/on/off become booleans, 0600 becomes 384 and 1:30 becomes 90",
            )
        )
        return text
    return _BY_TAG.get(node.tag, str)(text)


def _number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text

    return convert


_BY_TAG: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:bool": lambda text: text.lower() == "true",
    "tag:yaml.org,2002:int": _number(int),
    "tag:yaml.org,2002:float": _number(float),
}


def _problem(code: str, span: Span, what: str, fix: str, why: str = "") -> Problem:
    return Problem(code, Severity.ERROR, span, what, why, fix)


class Reader:
    """Read one mapping with strict keys: each wrong, missing or unknown key becomes a problem, never an exception.

    A read that fails returns the default of its type, so that all problems of a document are found in one pass;
    callers discard the model when `problems` has an error.
    """

    def __init__(self, node: Node, problems: list[Problem], path: str = "") -> None:
        self.node, self.problems, self.path = node, problems, path
        self._seen: set[str] = set()
        if not isinstance(node.value, dict):
            self.fail("spec/type", node.span, f"{path or 'the document'} must be a mapping", "write it as key: value")
            self._values: dict[str, Node] = {}
        else:
            self._values = node.value

    def fail(self, code: str, span: Span, what: str, fix: str, why: str = "") -> None:  # noqa: D102 - records one problem
        self.problems.append(Problem(code, Severity.ERROR, span, what, why, fix))

    def span(self, key: str) -> Span:
        """Return where the value of `key` stands, or the mapping itself when it is absent."""
        return self._values[key].span if key in self._values else self.node.span

    def has(self, key: str) -> bool:
        """Tell whether `key` is present."""
        return key in self._values

    def get(self, key: str, *, required: bool = True) -> Node | None:
        """Return the node of `key`; a missing required key is a problem."""
        self._seen.add(key)
        found = self._values.get(key)
        if (found is None or found.value is None) and required:
            self.fail("spec/missing-key", self.node.span, f"{self._name(key)} is missing", f"add `{key}:`")
        return found if found is not None and found.value is not None else None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; numbers and booleans are refused, so that nothing is guessed."""
        return str(self._typed(key, (str,), "text", default, ""))

    def number(self, key: str, default: float | None = None) -> float:
        """Return an int or a float as float; what overflows a float (1.0e+999, 400 digits) is refused."""
        value = self._typed(key, (int, float), "a number", default, 0.0)
        if abs(value) > sys.float_info.max:
            self.fail(
                "spec/type", self.span(key), f"{self._name(key)} is too large for a number", "write a smaller one"
            )
            return 0.0 if default is None else default
        return float(value)

    def integer(self, key: str, default: int | None = None) -> int:
        """Return an int."""
        return int(self._typed(key, (int,), "a whole number", default, 0))

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """Return true or false."""
        return bool(self._typed(key, (bool,), "true or false", default, empty=False))

    def parsed(self, key: str, parse: Callable[[str], Any], default: Any) -> Any:
        """Return `parse(text)`; its ValueError becomes a problem at the value's place; absent gives `default`."""
        node = self.get(key, required=default is None)
        if node is None:
            return default
        try:
            return parse(str(node.value))
        except ValueError as error:
            self.fail("spec/value", node.span, f"{self._name(key)}: {error}", "correct the value")
            return default

    def choice(self, key: str, allowed: Iterable[str], default: str | None = None) -> str:
        """Return one of the allowed words."""
        words = list(allowed)
        value = self.text(key, default)
        if value not in words and self.has(key):
            near = difflib.get_close_matches(value, words, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(words)}"
            self.fail("spec/value", self.span(key), f"{self._name(key)} cannot be {value!r}", hint)
        return value

    def sequence(self, key: str, *, required: bool = True) -> list[Node]:
        """Return the items of a list."""
        node = self.get(key, required=required)
        if node is None:
            return []
        if not isinstance(node.value, list):
            self.fail("spec/type", node.span, f"{self._name(key)} must be a list", "write it as - item")
            return []
        return list(node.value)

    def texts(self, key: str, *, required: bool = True) -> tuple[str, ...]:
        """Return a list of strings."""
        result = []
        for item in self.sequence(key, required=required):
            if isinstance(item.value, str):
                result.append(item.value)
            else:
                self.fail("spec/type", item.span, f"{self._name(key)} must hold text only", "quote the value")
        return tuple(result)

    def mapping(self, key: str, *, required: bool = True) -> Reader:
        """Return a reader of the mapping under `key` (an empty one when absent and optional)."""
        node = self.get(key, required=required)
        if node is None:
            return Reader(Node({}, self.node.span), self.problems, self._name(key))
        return Reader(node, self.problems, self._name(key))

    def items(self) -> list[tuple[str, Node]]:
        """Return all keys with their nodes and count them as known (for maps with free keys)."""
        self._seen.update(self._values)
        return list(self._values.items())

    def strings(self, key: str, *, required: bool = False) -> dict[str, str]:
        """Return a map of free keys to strings."""
        reader = self.mapping(key, required=required)
        result = {}
        for name, node in reader.items():
            if isinstance(node.value, str):
                result[name] = node.value
            else:
                self.fail("spec/type", node.span, f"{reader.path}.{name} must be text", "quote the value")
        return result

    def done(self) -> None:
        """Report every key nobody asked for, with the nearest known one."""
        for key, node in self._values.items():
            if key not in self._seen:
                near = difflib.get_close_matches(key, sorted(self._seen), 1)
                hint = f"did you mean `{near[0]}`?" if near else f"known keys here: {', '.join(sorted(self._seen))}"
                span = self.node.keys.get(key, node.span)
                self.fail("spec/unknown-key", span, f"unknown key {self._name(key)}", hint, "it would be ignored")

    def _name(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _typed(self, key: str, types: tuple[type, ...], words: str, default: Any, empty: Any) -> Any:
        node = self.get(key, required=default is None)
        if node is None:
            return empty if default is None else default
        if not isinstance(node.value, types) or (isinstance(node.value, bool) and bool not in types):
            self.fail("spec/type", node.span, f"{self._name(key)} must be {words}", f"write {words} here")
            return empty if default is None else default
        return node.value
