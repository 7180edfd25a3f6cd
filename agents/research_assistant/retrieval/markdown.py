"""Cut Markdown (and plain text) into blocks and sentences: just enough structure to quote whole sentences from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "prose", "item", "code", "table"]

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+(?=\S)")
_QUOTE = re.compile(r"\s{0,3}(?:>\s?)+")
_FENCE = re.compile(r"\s*(```+|~~~+)")
_RULE = re.compile(r"\s{0,3}(?:-{3,}|={3,}|\*{3,}|_{3,})\s*$")
_BREAK = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=\S)|(?<=[\u3002\uff01\uff1f])\s*(?=\S)")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|Dr|Mr|Ms|No|Fig)|\b[A-Z])\.$")


@dataclass(frozen=True, slots=True)
class Block:
    """One block: `text` without its Markdown prefix, on one line but for code and tables; `level` of headings only."""

    kind: Kind
    text: str
    level: int = 0


def blocks(text: str) -> list[Block]:
    """Return the blocks of `text` in order, without front matter, comments and rules; hard-wrapped lines are joined."""
    return _Reader().read(_without_front_matter(text.splitlines()))


def sentences(text: str) -> list[str]:
    """Return the sentences of one prose block in order; joined by single spaces they give the block again."""
    found: list[str] = []
    start = 0
    for gap in _BREAK.finditer(text):
        if not _ABBREVIATION.search(text[start : gap.start()]):
            found.append(text[start : gap.end()].strip())
            start = gap.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _without_front_matter(lines: list[str]) -> list[str]:
    if lines and lines[0].strip() == "---":
        for number, line in enumerate(lines[1:], start=1):
            if line.strip() == "---":
                return lines[number + 1 :]
    return lines


class _Reader:
    """Collect blocks line by line: `_open` holds the lines of the block being read and their kind."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._open: list[str] = []
        self._kind: Kind = "prose"
        self._fence = ""
        self._comment = False

    def read(self, lines: list[str]) -> list[Block]:
        for line in lines:
            if self._fence:
                self._code(line)
            elif self._comment or line.lstrip().startswith("<!--"):
                self._close()
                self._comment = "-->" not in line
            elif fence := _FENCE.match(line):
                self._close()
                self._fence, self._kind = fence[1], "code"
            else:
                self._text(line)
        self._close()
        return self._blocks

    def _code(self, line: str) -> None:
        if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
            self._close()
        else:
            self._open.append(line)

    def _text(self, line: str) -> None:
        bare = _QUOTE.sub("", line, count=1)
        if not bare.strip() or _RULE.match(bare):
            self._close()
        elif heading := _HEADING.match(bare):
            self._close()
            self._blocks.append(Block("heading", heading[2], len(heading[1])))
        elif bare.lstrip().startswith("|"):
            self._start_unless("table")
            self._open.append(bare.strip())
        elif item := _ITEM.match(bare):
            self._close()
            self._kind = "item"
            self._open.append(bare[item.end() :].strip())
        else:
            if self._kind == "table":
                self._close()
            self._open.append(bare.strip())

    def _start_unless(self, kind: Kind) -> None:
        if self._kind != kind:
            self._close()
            self._kind = kind

    def _close(self) -> None:
        joint = "\n" if self._kind in ("code", "table") else " "
        text = (
            joint.join(self._open).strip("\n")
            if self._kind == "code"
            else joint.join(" ".join(x.split()) for x in self._open)
        )
        if text.strip():
            self._blocks.append(Block(self._kind, text))
        self._open, self._kind, self._fence = [], "prose", ""
