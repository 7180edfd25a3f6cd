"""Emit YAML for people to review: block style, no reordering, PromQL unquoted where that is safe.

PyYAML's own emitter wraps long lines, double-quotes what holds a colon and is six times slower (research/slo.md 5).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

_PLAIN = re.compile(r"^(?:[A-Za-z_/](?:[A-Za-z0-9_./:-]*[A-Za-z0-9_/])?|(?:[0-9]+(?:ms|[smhdw]))+)\Z")
_RESERVED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_BLOCK = re.compile(r"^[^\s][\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff\n]*\Z")
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_LINE = re.compile(r"^[\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*\Z")


def dump(value: object, header: str = "") -> str:
    """Return `value` (mappings, sequences, text, numbers, booleans, None) as YAML under a comment line."""
    lines = [f"# {header}"] if header else []
    lines += _lines(value, 0)
    return "\n".join(lines) + "\n"


def _lines(value: object, depth: int) -> list[str]:
    pad = "  " * depth
    if isinstance(value, Mapping) and value:
        return [line for key, item in value.items() for line in _entry(f"{pad}{_scalar(str(key))}:", item, depth)]
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return [line for item in value for line in _item(pad, item, depth)]
    return [pad + _scalar(value)]


def _entry(head: str, item: object, depth: int) -> list[str]:
    if isinstance(item, Mapping | list | tuple) and item:
        return [head, *_lines(item, depth + 1)]
    if (
        isinstance(item, str)
        and "\n" in item.rstrip("\n")
        and _BLOCK.match(item)
        and not re.search(r"[ ](?:\n|$)", item)
    ):
        # One trailing newline is kept by `|`, none by `|-`; more are rare enough to be quoted.
        tail = item[len(item.rstrip("\n")) :]
        if len(tail) <= 1:
            pad = "  " * (depth + 1)
            body = [pad + line if line else "" for line in item.rstrip("\n").split("\n")]
            return [f"{head} {'|' if tail else '|-'}", *body]
    return [f"{head} {_scalar(item)}"]


def _item(pad: str, item: object, depth: int) -> list[str]:
    if isinstance(item, Mapping | list | tuple) and item:
        first, *rest = _lines(item, depth + 1)
        return [f"{pad}- {first.lstrip()}", *rest]
    return [f"{pad}- {_scalar(item)}"]


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return repr(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def _text(value: str) -> str:
    if _PLAIN.match(value) and value.lower() not in _RESERVED:
        return value
    if _LINE.match(value):
        return "'" + value.replace("'", "''") + "'"
    # JSON's escapes are valid in double-quoted YAML, but it leaves some characters that YAML does not print.
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(value, ensure_ascii=False))
