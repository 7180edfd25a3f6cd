"""A scenario is one text file: changes to the small world in tests/golden/world, and what `bongsu compile` then says.

    # a comment
    === change FILE      lines `-old` and `+new`: the old text, unique in the file, becomes the new
    === add FILE         the file's whole text
    === remove FILE
    === exit 1           the rest is what stands on stderr

`UPDATE_GOLDENS=1` rewrites the part after `=== exit`; read the diff before you commit it.
"""

from __future__ import annotations

import io
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from bongsu.cli.main import main

WORLD = Path(__file__).parent / "world"
_SECTION = re.compile(r"^=== (change|add|remove|exit) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Scenario:
    """A scenario file: its sections of (verb, argument, body), the last of which is the expectation."""

    path: Path
    sections: tuple[tuple[str, str, str], ...]

    @property
    def expected(self) -> tuple[int, str]:
        _, code, text = self.sections[-1]
        return int(code), text


def read(path: Path) -> Scenario:
    text = path.read_text(encoding="utf-8")
    marks = list(_SECTION.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    sections = tuple(
        (mark.group(1), mark.group(2), text[mark.end() + 1 : end]) for mark, end in zip(marks, ends, strict=True)
    )
    assert sections[-1][0] == "exit", path
    return Scenario(path, sections)


def build(root: Path, scenario: Scenario | None = None) -> Path:
    """Copy the world to `root` and apply the scenario's changes."""
    shutil.copytree(WORLD, root, dirs_exist_ok=True)
    for verb, name, body in scenario.sections if scenario else ():
        if verb == "change":
            old, new = ("".join(line[1:] + "\n" for line in body.splitlines() if line[:1] == sign) for sign in "-+")
            text = (root / name).read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{name}: the text to change must stand there exactly once:\n{old}"
            (root / name).write_text(text.replace(old, new), encoding="utf-8")
        elif verb == "add":
            (root / name).write_text(body, encoding="utf-8")
        elif verb == "remove":
            (root / name).unlink()
    return root


def bongsu(root: Path, *argv: str) -> tuple[int, str, str]:
    """Run the CLI in-process and return exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    code = main(["--root", str(root), *argv], out, err)
    return code, out.getvalue(), err.getvalue()


def settle(scenario: Scenario, code: int, err: str) -> None:
    """Compare with the expectation, or rewrite it when UPDATE_GOLDENS is 1."""
    if os.environ.get("UPDATE_GOLDENS") == "1":
        text = scenario.path.read_text(encoding="utf-8")
        head = text[: list(_SECTION.finditer(text))[-1].start()]
        scenario.path.write_text(f"{head}=== exit {code}\n{err}", encoding="utf-8")
        return
    assert (code, err) == scenario.expected
