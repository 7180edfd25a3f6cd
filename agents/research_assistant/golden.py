"""The golden questions: what the system must always be able to answer, and from which sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core.errors import SpecError
from bongsu.core.yaml import Reader, load_documents

if TYPE_CHECKING:
    from bongsu.core.diagnostics import Problem
    from bongsu.core.yaml import Node

FILE = Path(__file__).parent / "corpus" / "golden.yaml"
KINDS = ("simple", "compound")


@dataclass(frozen=True, slots=True)
class Golden:
    """One question: `sources` are file stems that must be cited, `words` must all appear in the answer."""

    question: str
    sources: tuple[str, ...]
    words: tuple[str, ...]
    kind: str


def load(path: Path = FILE) -> tuple[Golden, ...]:
    """Return the golden questions, at least one; raise SpecError with every problem of the file."""
    nodes, problems = load_documents(path.read_text(encoding="utf-8"), path.name)
    questions: list[Golden] = []
    for node in nodes:
        top = Reader(node, problems)
        questions += [_golden(item, problems) for item in top.sequence("questions")]
        top.done()
        if not questions:
            top.fail("golden/empty", node.span, "there is no question", "write at least one: the probe asks it")
    if problems:
        raise SpecError(problems)
    return tuple(questions)


def _golden(node: Node, problems: list[Problem]) -> Golden:
    item = Reader(node, problems)
    golden = Golden(
        item.text("question"), item.texts("expect_sources"), item.texts("expect_words"), item.choice("kind", KINDS)
    )
    item.done()
    return golden
