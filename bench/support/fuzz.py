"""Damage the repository's own files as editors, merges, disks and strangers do; seeded, so that a case can be repeated.

A case is a world (a folder that compiles), one of its files, and the bytes to put in its place.
"""

# ruff: noqa: E501 - tables of values, as many on a line as fit
from __future__ import annotations

import random
import re
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.cli.catalogue import check_all, compile_all, load_catalogue
from bongsu.core.diagnostics import has_errors, render
from bongsu.core.errors import BongsuError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

VALUES = (
    "", "null", "~", "true", "no", "0", "-1", "1", "0600", "1:30", ".inf", "-.inf", ".nan", "1e999", "-1e999", "1.0e+999",
    "1e-400", "9" * 30, "9" * 5000, "0x" + "f" * 400, "0b101", "1_000", "[]", "{}", "[[]]", "[null]", "{a: b}", "[1, two]",
    "{? [a]: b}", "{1: 2}", "{null: 1}", "{[a]: 1}", '""', '" "', '"\\0"', '"\\ud800"', '"\\udfff\\ud800"', '"\\ufeff"',
    '"a\\nb"', '"x\\n"', "'a''b'", "!!binary aGk=", "!!python/object:os.system x", "!!set {a}", "!!float x", "!!int x",
    "!custom x", "&a x", "*a", "<<", "2026-11-28", "2026-13-45 99:99:99", "9999-12-31 23:59:59", "0001-01-01 00:00:00",
    "99999y", "9" * 400 + "d", "1ms", "0s", "-5m", "\u0663m", "30d30d", "1d", "1Q", "9999Y", "../../../etc/passwd", "/", ".",
    "$(reboot)", "{{.window}}", "{{.threshold}}", "{{", "}}", "{{ $value }}", "%s%n", "a" * 10000, "\U0001f600", "\u202e",
    "sum(", "((((((((((", "(" * 3000, "a" + "+a" * 3000, "x[5]", "x[5m] offset", '{__name__=~".*"}', "a and b or c unless",
    "-" * 2000 + "a", "{{.window}} > {{.threshold}}", '"', "'", "|", ">", "|-", "@", "`", "%", "? a", "- a", "a: b", "# x",
    "Asia/Seoul", "../UTC", "Factory", "posixrules", "monday:friday", "31:-31", "-1", "00:00-24:00", "24:00-00:00",
)  # fmt: skip
DOCUMENTS = (
    b"", b"\n", b"---", b"---\n", b"---\n---\n...\n", b"...", b"null\n", b"[]\n", b"{}\n", b"42\n", b"text\n", b"- 1\n- a\n",
    b"[null, [], {}]\n", b"- - - a\n", b"\xef\xbb\xbf", b"\x00", b"\xff\xfe\x00\x00", b"a: b: c\n", b"%YAML 9.9\n---\na: 1\n",
    b"%TAG ! tag:x,1:\n---\n!x a\n", b"\t\n", b"a:\n\t- b\n", b"&a [*a]\n", b"&a {b: *a}\n", b"<<: {a: 1}\n", b"? {a: 1}\n: 2\n",
    b"[" * 400, b"[" * 20000, b"[" * 400 + b"]" * 400, b"{a: " * 3000 + b"}" * 3000, b"- " * 20000 + b"x\n", b"a" * 1_100_000,
    b"a: |\n" + b" x\n" * 20000, b"\xed\xa0\x80: 1\n", b'"\\ud800": 1\n', b"a: 1\ra: 2\r", b"\x85a: 1\n", b"\xe2\x80\xa8a: 1\n",
    b"# only a comment\n", b"# Title\n", b"```\n", b"```bash\n", b"1. \n2. \n",
)  # fmt: skip
BYTES = (
    b"\x00",
    b"\xff",
    b"\x80",
    b"\xed\xa0\x80",
    b"\t",
    b"\r",
    b"\x1b[2J",
    b"\xef\xbb\xbf",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\x7f",
)
_VALUE = re.compile(r"^(\s*(?:- )?[\"A-Za-z0-9_./-]+:)(\s.*)?$")


@dataclass(frozen=True, slots=True)
class Case:
    """One damage: the bytes that stand in a file instead of its own."""

    seed: int
    file: Path
    content: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case ended: seconds, and the traceback when it was anything but problems, an output or a BongsuError."""

    case: Case
    seconds: float
    compiled: bool
    crash: str


def files_of(root: Path, folders: Iterable[str]) -> list[Path]:
    """Return the files that people edit, relative to the root, sorted."""
    found = [path for folder in folders for path in (root / folder).glob("*") if path.is_file()]
    return sorted(path.relative_to(root) for path in [*found, root / "bongsu.yaml"])


_OTHER_DOCUMENT, _WHOLE_BLOCK = 0.05, 0.9
_CRLF, _BOM, _CUT = 0.03, 0.05, 0.07
"""How often a file is exchanged, a block is replaced as a whole, and (up to each) a whole file is damaged in one way."""


def case_of(seed: int, texts: dict[Path, bytes]) -> Case:
    """Return the case of a seed: a file with one to four damages, or another document in its place."""
    choose = random.Random(seed)  # noqa: S311 - a case must be repeatable
    file = choose.choice(sorted(texts))
    if choose.random() < _OTHER_DOCUMENT:
        return Case(seed, file, choose.choice(DOCUMENTS))
    lines = texts[file].split(b"\n")
    others = [line for path in sorted(texts) for line in texts[path].split(b"\n") if line.strip()]
    for _ in range(choose.choice((1, 1, 1, 2, 4))):
        lines = choose.choice(_DAMAGES)(choose, lines, others) or [b""]
    content = b"\n".join(lines)
    whole = choose.random()
    if whole < _CRLF:
        content = content.replace(b"\n", b"\r\n")
    elif whole < _BOM:
        content = b"\xef\xbb\xbf" + content
    elif whole < _CUT:
        content = content[: choose.randrange(len(content) + 1)]
    return Case(seed, file, content)


def play(root: Path, case: Case, own: bytes) -> Outcome:
    """Load, check, show and compile a world with one damaged file, and put its own content back."""
    path, crash, compiled = root / case.file, "", False
    path.write_bytes(case.content)
    begun = time.perf_counter()
    try:
        catalogue = load_catalogue(root)
        problems = check_all(catalogue)
        if any(not p.what or p.span.line < 1 or p.span.column < 1 for p in problems):
            crash = "a problem without words or place"
        render(problems, catalogue.sources).encode()
        if not has_errors(problems):
            compiled = True
            for name, text in compile_all(catalogue).items():
                if not text.encode() or any(part in ("", ".", "..") for part in name.split("/")) or "\n" in name:
                    crash = f"a file that cannot be written: {name!r}"
    except BongsuError:
        pass
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever else comes is what is looked for
        crash = "".join(traceback.format_exception(error)[-6:])
    finally:
        path.write_bytes(own)
    return Outcome(case, time.perf_counter() - begun, compiled, crash)


def _value(choose: random.Random, lines: list[bytes], others: list[bytes]) -> list[bytes]:
    """Put another value after a key, lines below it kept or dropped."""
    keyed = [i for i, line in enumerate(lines) if _VALUE.match(line.decode(errors="replace"))]
    if not keyed:
        return _bytes(choose, lines, others)
    at = choose.choice(keyed)
    head = _VALUE.match(lines[at].decode(errors="replace"))
    indent = len(lines[at]) - len(lines[at].lstrip())
    end = at + 1
    while choose.random() < _WHOLE_BLOCK and end < len(lines) and len(lines[end]) - len(lines[end].lstrip()) > indent:
        end += 1
    new = f"{head.group(1) if head else ''} {choose.choice(VALUES)}".encode()
    return [*lines[:at], new, *lines[end:]]


def _flow_value(choose: random.Random, lines: list[bytes], _: list[bytes]) -> list[bytes]:
    """Put another value into a line such as `{threshold: 1}` or `[a, b]`."""
    at = choose.randrange(len(lines))
    pieces = re.split(rb"([\[\]{},:] ?)", lines[at])
    pieces[choose.randrange(len(pieces))] = choose.choice(VALUES).encode(errors="surrogatepass")
    return [*lines[:at], b"".join(pieces), *lines[at + 1 :]]


def _drop(choose: random.Random, lines: list[bytes], _: list[bytes]) -> list[bytes]:
    at = choose.randrange(len(lines))
    return [*lines[:at], *lines[at + choose.choice((1, 1, 1, 3, 10)) :]]


def _double(choose: random.Random, lines: list[bytes], _: list[bytes]) -> list[bytes]:
    at, count = choose.randrange(len(lines)), choose.choice((1, 1, 5, 30))
    return [*lines[: at + count], *lines[at : at + count], *lines[at + count :]]


def _swap(choose: random.Random, lines: list[bytes], _: list[bytes]) -> list[bytes]:
    one, two = choose.randrange(len(lines)), choose.randrange(len(lines))
    lines = list(lines)
    lines[one], lines[two] = lines[two], lines[one]
    return lines


def _indent(choose: random.Random, lines: list[bytes], _: list[bytes]) -> list[bytes]:
    at = choose.randrange(len(lines))
    to = choose.choice(
        (b"  " + lines[at], b"\t" + lines[at], lines[at].lstrip(), lines[at][2:], b" " * 200 + lines[at])
    )
    return [*lines[:at], to, *lines[at + 1 :]]


def _bytes(choose: random.Random, lines: list[bytes], _: list[bytes]) -> list[bytes]:
    at = choose.randrange(len(lines))
    column = choose.randrange(len(lines[at]) + 1)
    what = choose.choice(
        (*BYTES, choose.randbytes(choose.randrange(1, 6)), bytes([choose.choice(b"x:{}[]()\"'#&*!|>%@`, -")]))
    )
    return [*lines[:at], lines[at][:column] + what + lines[at][column + choose.choice((0, 1)) :], *lines[at + 1 :]]


def _key(choose: random.Random, lines: list[bytes], _: list[bytes]) -> list[bytes]:
    """Put another key before a value."""
    at = choose.randrange(len(lines))
    before, colon, after = lines[at].partition(b":")
    indent = before[: len(before) - len(before.lstrip(b" -"))]
    keys = (
        "<<",
        "? a",
        "[a]",
        "1",
        "null",
        "true",
        '"\\ud800"',
        '""',
        "a b",
        "*x",
        "&x y",
        "Kind",
        before.decode(errors="replace")[:-1],
    )
    return [*lines[:at], indent + choose.choice(keys).encode() + (colon or b":") + after, *lines[at + 1 :]]


def _foreign(choose: random.Random, lines: list[bytes], others: list[bytes]) -> list[bytes]:
    """Put a line of another file, as a wrong merge does."""
    at = choose.randrange(len(lines) + 1)
    return [*lines[:at], choose.choice(others), *lines[at + choose.choice((0, 1)) :]]


_DAMAGES: tuple[Callable[[random.Random, list[bytes], list[bytes]], list[bytes]], ...] = (
    _value, _value, _value, _flow_value, _drop, _double, _swap, _indent, _bytes, _key, _foreign,
)  # fmt: skip
