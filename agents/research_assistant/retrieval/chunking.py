"""Cut a document into chunks: along headings and paragraphs, never through a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from research_assistant.retrieval.markdown import Block, blocks, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TARGET_CHARS = 900
"""A chunk is full at this size: about 200 tokens, a handful of sentences on one thought."""
LONGEST_SENTENCE_CHARS = 2_000
"""What runs on for longer without a sentence end (minified data, base64) is cut at a space, or anywhere."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document under its nearest heading; empty lines separate blocks, a prose block is one line."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    """A document ready to be stored: the first level-one heading is its title."""

    title: str
    chunks: tuple[Chunk, ...]


def article(text: str, *, default_title: str) -> Article:
    """Return the title and the chunks of a document; without any text there are no chunks."""
    title, heading = "", ""
    chunks: list[Chunk] = []
    section: list[str] = []
    for block in blocks(text):
        if block.kind != "heading":
            section += _pieces(block)
            continue
        chunks += _pack(heading, section)
        section = []
        if block.level == 1 and not title:
            title, heading = block.text, ""
        else:
            heading = block.text
    chunks += _pack(heading, section)
    return Article(title or default_title, tuple(chunks))


def _pack(heading: str, pieces: Iterable[str]) -> Iterator[Chunk]:
    """Fill chunks up to TARGET_CHARS with whole pieces."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        if held and size + len(piece) > TARGET_CHARS:
            yield Chunk(heading, "\n\n".join(held))
            held, size = [], 0
        held.append(piece)
        size += len(piece)
    if held:
        yield Chunk(heading, "\n\n".join(held))


def _pieces(block: Block) -> list[str]:
    """Return a block as pieces of at most TARGET_CHARS, longer only where one sentence is."""
    if block.kind == "code":
        return [f"```\n{part}\n```" for part in _join(block.text.splitlines(), "\n")]
    if block.kind == "table":
        return _join(block.text.splitlines(), "\n")
    prefix = "- " if block.kind == "item" else ""
    return [prefix + part for part in _join(sentences(block.text), " ")]


def _join(parts: Iterable[str], joint: str) -> list[str]:
    joined: list[str] = []
    for part in chain.from_iterable(map(_cut, parts)):
        if joined and len(joined[-1]) + len(part) < TARGET_CHARS:
            joined[-1] += joint + part
        else:
            joined.append(part)
    return joined


def _cut(part: str) -> Iterator[str]:
    while len(part) > LONGEST_SENTENCE_CHARS:
        end = part.rfind(" ", 1, LONGEST_SENTENCE_CHARS)
        end = end if end > 0 else LONGEST_SENTENCE_CHARS
        yield part[:end]
        part = part[end:].lstrip()
    if part:
        yield part
