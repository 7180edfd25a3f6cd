"""YAML with positions: strict where YAML 1.1 is treacherous, every value knows its line and column.

Why not `safe_load`: duplicate keys silently win, `no` becomes False, `1:30` becomes 90 and `0600` becomes 384.
Source of the traps: measured with PyYAML 6; https://yaml.org/type/ (YAML 1.1 types).
"""

from __future__ import annotations

import contextlib
import difflib
import re
import sys
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from bongsu.core.diagnostics import Problem, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_TRAP_BOOLEAN = re.compile(r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)\Z")
_TRAP_NUMBER = re.compile(r"^(?:0[0-7]+|[0-9]+(?::[0-5]?[0-9])+)\Z")
_USUAL = re.compile(r"[\x20-\x24\x27-\x7e\n\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*")
"""All but `%` and `&` (directives, anchors), tabs and rare characters: there libyaml and PyYAML do not always agree. A
last line without its end is another such place: they see the end of what it closes differently."""
_MAX_BYTES = 1_000_000
_MAX_DEPTH = 64
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MERGE = "tag:yaml.org,2002:merge"
_Marks = tuple[str, Any, Any]
"""A file and where in it something begins and ends, as the parser says it."""
_NO_KEYS: Mapping[str, Any] = MappingProxyType({})


class Node:
    """One YAML value: `value` is None, bool, int, float, str, a list of nodes or a dict of key to node.

    Places are asked for only where something is wrong or worth pointing at, so they are computed when they are.
    """

    __slots__ = ("_keys", "_span", "value")

    def __init__(self, value: Any, span: Span | _Marks, keys: Mapping[str, Any] = _NO_KEYS) -> None:
        self.value = value
        self._span = span
        self._keys = keys

    @property
    def span(self) -> Span:
        """Return where the value stands."""
        if not isinstance(self._span, Span):
            self._span = _span(self._span)
        return self._span

    @property
    def keys(self) -> dict[str, Span]:
        """Return where each key of a mapping stands."""
        return {key: self.key_span(key) for key in self._keys}

    def key_span(self, key: str) -> Span:
        """Return where a key of a mapping stands; the value itself when it has no such key."""
        return _key_span(self._span[0], self._keys[key], key) if key in self._keys else self.span

    def emptied(self) -> Node:
        """Return an empty mapping that stands in the same place."""
        return Node({}, self._span)

    def plain(self) -> Any:
        """Return the value without positions."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value


def _span(marks: _Marks) -> Span:
    file, start, end = marks
    return Span(
        file, start.line + 1, start.column + 1, max(1, end.column - start.column) if start.line == end.line else 1
    )


def _key_span(file: str, mark: Any, key: str) -> Span:
    return Span(file, mark.line + 1, mark.column + 1, max(1, len(key)))


def load_documents(text: str, file: str) -> tuple[list[Node], list[Problem]]:
    """Return the non-empty documents of a YAML text and every problem of its form."""
    if len(text.encode(errors="surrogatepass")) > _MAX_BYTES:
        return [], [_problem("yaml/too-large", Span(file), f"the file is larger than {_MAX_BYTES} bytes", "split it")]
    try:
        nodes, problems = _read(text, file)
    except _TooDeepError as error:
        span = Span(file, error.mark.line + 1, error.mark.column + 1)
        return [], [_problem("yaml/syntax", span, f"nested deeper than {_MAX_DEPTH} levels", "write it flatter")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(file, mark.line + 1, mark.column + 1) if mark else Span(file)
        what = " ".join(str(part) for part in (error.context, error.problem) if part)
        return [], [_problem("yaml/syntax", span, f"not valid YAML: {what}", "correct the syntax at this place")]
    except yaml.YAMLError as error:
        return [], [_problem("yaml/syntax", Span(file), f"not valid YAML: {error}", "remove the offending characters")]
    return [node for node in nodes if node.value is not None], problems


def _read(text: str, file: str) -> tuple[list[Node], list[Problem]]:
    """Return the documents, by libyaml where it can be trusted to see what PyYAML itself would.

    libyaml is 20 times faster; it words errors its own way, and reads some texts that PyYAML refuses. So whatever it
    refuses, and whatever looks unusual, is read (and refused in words of one kind) by PyYAML.
    """
    if text.endswith("\n") and _USUAL.fullmatch(text):
        with contextlib.suppress(yaml.YAMLError):
            return _Builder(yaml.CSafeLoader(text), file).documents()
    return _Builder(_Loader(text), file).documents()


class _Loader(yaml.SafeLoader):
    """Refuse an anchor that stands twice in a document, as PyYAML's composer does."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._anchors: dict[str, Any] = {}

    def get_event(self) -> Any:
        event = super().get_event()  # type: ignore[no-untyped-call]  # PyYAML ships no types for it
        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors.clear()
        anchor = None if isinstance(event, yaml.AliasEvent) else getattr(event, "anchor", None)
        if anchor in self._anchors:
            what, first = f"found duplicate anchor {anchor!r}; first occurrence", self._anchors[anchor]
            raise yaml.composer.ComposerError(what, first, "second occurrence", event.start_mark)
        if anchor:
            self._anchors[anchor] = event.start_mark
        return event


class _TooDeepError(Exception):
    """What is nested too deeply for any stack, and where it begins to be: the rest is not looked at."""

    def __init__(self, mark: Any) -> None:
        super().__init__()
        self.mark = mark


class _Builder:
    """Make nodes out of a parser's events: construction, and with it YAML 1.1 guessing, is ours.

    A parser's own composer makes a tree of other nodes first, and libyaml's does so by recursion in C: 100,000 brackets
    end the process (measured, PyYAML 6.0). Aliases (and their bombs) are refused.
    """

    def __init__(self, loader: Any, file: str) -> None:
        self._next, self._file = loader.get_event, file
        self._problems: list[Problem] = []

    def documents(self) -> tuple[list[Node], list[Problem]]:
        """Return the root of each document, and every problem of form that leaves it readable."""
        roots = []
        self._next()  # the stream begins
        while type(self._next()) is yaml.DocumentStartEvent:
            roots.append(self._node(self._next(), 1))
            self._next()  # the document ends
        return roots, self._problems

    def _node(self, event: Any, depth: int) -> Node:
        """Return the value that begins with an event."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            marks = (self._file, event.start_mark, event.end_mark)
            if event.style:
                return Node(self._whole(event) if event.style == '"' else event.value, marks)
            value, trap = _plain(event.value, event.tag)
            if trap:
                self._problems.append(_trap(value, _span(marks)))
            return Node(value, marks)
        if kind is yaml.AliasEvent:
            what = "aliases are not supported here, write the value out"
            raise yaml.composer.ComposerError(None, None, what, event.start_mark)
        if depth > _MAX_DEPTH:
            raise _TooDeepError(event.start_mark)
        return self._mapping(event, depth) if kind is yaml.MappingStartEvent else self._sequence(event, depth)

    def _sequence(self, event: Any, depth: int) -> Node:
        items = []
        while type(item := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._node(item, depth + 1))
        return Node(items, (self._file, event.start_mark, item.end_mark))

    def _mapping(self, event: Any, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Any] = {}
        following = self._next
        while type(key := following()) is not yaml.MappingEndEvent:
            name = self._key(key, keys, depth)
            if name is None:
                self._pass_over(following(), depth)
            else:
                keys[name] = key.start_mark
                values[name] = self._node(following(), depth + 1)
        return Node(values, (self._file, event.start_mark, key.end_mark), keys)

    def _key(self, event: Any, known: Mapping[str, Any], depth: int) -> str | None:
        """Return the key that an event is; none, and a problem, when it cannot be one."""
        if type(event) is not yaml.ScalarEvent or event.tag == _MERGE or (event.value == "<<" and event.implicit[0]):
            span = _key_span(self._file, event.start_mark, "")
            self._problems.append(
                _problem("yaml/key", span, "a key must be plain text", "write the keys out one by one")
            )
            self._pass_over(event, depth)
            return None
        key = self._whole(event) if event.style == '"' else event.value
        if key in known:
            self._problems.append(
                _problem(
                    "yaml/duplicate-key",
                    _key_span(self._file, event.start_mark, key),
                    f"key {key!r} stands twice, first on line {known[key].line + 1}",
                    "keep one of the two",
                    "YAML parsers silently keep the last one",
                )
            )
            return None
        return key

    def _pass_over(self, event: Any, depth: int) -> None:
        """Read a value whose problems do not matter any more."""
        before = len(self._problems)
        self._node(event, depth + 1)
        del self._problems[before:]

    def _whole(self, event: Any) -> str:
        """Return a text with escapes; that of a surrogate alone is half a character, which no file can hold."""
        if _SURROGATE.search(event.value):
            span = _span((self._file, event.start_mark, event.end_mark))
            self._problems.append(_problem("yaml/syntax", span, "not valid YAML: half a character", "write it whole"))
            return ""
        return str(event.value)


@lru_cache(maxsize=4096)
def _plain(text: str, tag: str | None) -> tuple[Any, bool]:
    """Return what an unquoted text means, and whether YAML 1.1 readers take it for something else."""
    if _TRAP_BOOLEAN.match(text) or _TRAP_NUMBER.match(text):
        return text, True
    return _BY_TAG.get(_implicit_tag(text) if tag in (None, "!") else tag, str)(text), False


def _implicit_tag(text: str) -> str:
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    return next((str(tag) for tag, pattern in resolvers.get(text[:1], []) if pattern.match(text)), "")


def _trap(text: str, span: Span) -> Problem:
    return _problem(
        "yaml/trap",
        span,
        f"{text} means something else to YAML 1.1 readers",
        f'quote it ("{text}") or write true, false or a plain number',
        "yes/no/on/off become booleans, 0600 becomes 384 and 1:30 becomes 90",
    )


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
        if found is not None and found.value is not None:
            return found
        if required:
            self.fail("spec/missing-key", self.node.span, f"{self._name(key)} is missing", f"add `{key}:`")
        return None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string, not empty when required; numbers and booleans are refused, so that nothing is guessed."""
        self._seen.add(key)
        node = self._values.get(key)
        if node is None and default is not None:
            return default
        if node is not None and isinstance(node.value, str) and (default is not None or node.value.strip()):
            return node.value
        found = str(self._typed(key, (str,), "text", default, ""))
        if default is None and self.has(key) and isinstance(self._values[key].value, str) and not found.strip():
            self.fail("spec/value", self.span(key), f"{self._name(key)} is empty", "write what it should say")
            return ""
        return found

    def number(self, key: str, default: float | None = None) -> float:
        """Return an int or a float as float; NaN and what overflows a float (1.0e+999) are refused."""
        value = self._typed(key, (int, float), "a number", default, 0.0)
        if not abs(value) <= sys.float_info.max:
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
        node = self.get(key, required=required) or self.node.emptied()
        return Reader(node, self.problems, f"{self.path}.{key}" if self.path else key)

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
        if self._values.keys() <= self._seen:
            return
        for key in self._values:
            if key not in self._seen:
                near = difflib.get_close_matches(key, sorted(self._seen), 1)
                hint = f"did you mean `{near[0]}`?" if near else f"known keys here: {', '.join(sorted(self._seen))}"
                span = self.node.key_span(key)
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
