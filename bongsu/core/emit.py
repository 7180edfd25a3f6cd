"""Emit YAML for people to review: block style, no reordering, PromQL unquoted where that is safe.

PyYAML's own emitter wraps long lines, double-quotes what holds a colon and is six times slower (research/slo.md 5).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

_PLAIN = re.compile(r"^(?:[A-Za-z_/](?:[A-Za-z0-9_./:-]*[A-Za-z0-9_/])?|(?:[0-9]+(?:ms|[smhdw]))+)\Z")
_RESERVED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_BLOCK = re.compile(r"^[^\s][\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff\n]*\Z")
_MAPPING = (dict, Mapping)
_NESTED = (*_MAPPING, list, tuple, Sequence)
"""What is most likely comes first: asking an abstract class is slow."""
_REPEATED, _FEW = 48, 8
"""Texts up to this length, and mappings of so many of them, are likely to stand in a file again."""
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_LINE = re.compile(r"^[\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*\Z")


def dump(value: object, header: str = "") -> str:
    """Return `value` (mappings, sequences, text, numbers, booleans, None) as YAML under a comment line."""
    lines = [f"# {header}"] if header else []
    if _nested(value):
        _block(lines, value, "", "")
    else:
        lines.append(_scalar(value))
    return "\n".join(lines) + "\n"


def entry(key: str, value: object, depth: int) -> str:
    """Return one entry of a mapping that stands `depth` levels deep, as `dump` writes it after its indentation."""
    lines: list[str] = []
    _entry(lines, f"{_scalar(key)}:", value, "  " * depth)
    return "\n".join(lines)


def is_plain(value: str) -> bool:
    """Tell whether a text is written as it is, without quotes."""
    return _short(value) == value if len(value) <= _REPEATED else bool(_PLAIN.match(value))


def is_quotable(value: str) -> bool:
    """Tell whether a text stands in single quotes, or inside of a text that does, as it is."""
    return "'" not in value and bool(_LINE.match(value))


def _nested(value: object) -> bool:
    """Tell whether a value takes lines of its own: text, numbers and what is empty stand on the line of their key."""
    return not isinstance(value, str) and isinstance(value, _NESTED) and bool(value)


def _block(lines: list[str], value: object, pad: str, lead: str) -> None:
    """Append a mapping or sequence that is not empty; `lead` begins its first line, `pad` the others."""
    if isinstance(value, _MAPPING):
        if len(value) <= _FEW and all(type(item) is str and len(item) <= _REPEATED for item in value.values()):
            lines += _pairs(tuple(value.items()), pad, lead)
            return
        for key, item in value.items():
            _entry(lines, f"{lead}{_scalar(str(key))}:", item, pad)
            lead = pad
    elif isinstance(value, Sequence):
        for item in value:
            if _nested(item):
                _block(lines, item, f"{pad}  ", f"{lead}- ")
            else:
                lines.append(f"{lead}- {_scalar(item)}")
            lead = pad


@lru_cache(maxsize=1024)
def _pairs(items: tuple[tuple[str, str], ...], pad: str, lead: str) -> list[str]:
    """Return the lines of a small mapping of short texts: the labels of one SLO stand at each of its rules."""
    lines: list[str] = []
    for key, item in items:
        _entry(lines, f"{lead}{_scalar(str(key))}:", item, pad)
        lead = pad
    return lines


def _entry(lines: list[str], head: str, item: object, pad: str) -> None:
    if not isinstance(item, str):
        if _nested(item):
            lines.append(head)
            _block(lines, item, f"{pad}  ", f"{pad}  ")
        else:
            lines.append(f"{head} {_scalar(item)}")
        return
    body = item.rstrip("\n") if "\n" in item else ""
    # One trailing newline is kept by `|`, none by `|-`; more are rare enough to be quoted.
    tail = len(item) - len(body)
    if "\n" in body and tail <= 1 and _BLOCK.match(item) and " \n" not in item and item[-1] != " ":
        lines.append(f"{head} {'|' if tail else '|-'}")
        inner = f"\n{pad}  "
        text = inner[1:] + body.replace("\n", inner)
        lines.append(text.replace(f"{inner}\n", "\n\n") if "\n\n" in body else text)
    else:
        lines.append(f"{head} {_text(item)}")


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
    return _short(value) if len(value) <= _REPEATED else _quoted(value)


@lru_cache(maxsize=8192)
def _short(value: str) -> str:
    """Return keys, label values and the like as they are written; most stand in a file many times."""
    return value if _PLAIN.match(value) and value.lower() not in _RESERVED else _quoted(value)


def _quoted(value: str) -> str:
    if len(value) > _REPEATED and _PLAIN.match(value):
        return value
    if _LINE.match(value):
        return "'" + value.replace("'", "''") + "'"
    # JSON's escapes are valid in double-quoted YAML, but it leaves some characters that YAML does not print.
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(value, ensure_ascii=False))
