"""The state of a run as it travels through the graph and into checkpoints: plain JSON values, nothing else."""

from __future__ import annotations

import operator
from typing import Annotated, Any, Literal, NotRequired, TypedDict, get_args

Tool = Literal["documents", "web"]
TOOLS: tuple[Tool, ...] = get_args(Tool)


class Passage(TypedDict):
    """A retrieved piece of text and where it can be read; text blocks are separated by empty lines."""

    source: Tool
    title: str
    url: str
    text: str


class Turn(TypedDict):
    """An earlier question of the same session and what was answered."""

    question: str
    answer: str


class Research(TypedDict):
    """The order of one researcher; without a `tenant` it sees shared documents only."""

    tool: Tool
    query: str
    tenant: NotRequired[str | None]


class Finding(TypedDict):
    """What one researcher brought back; `failures`, if any, are kinds of conventions.ERROR_KINDS."""

    passages: list[Passage]
    failures: NotRequired[list[str]]


class RunState(TypedDict, total=False):
    """Everything a run knows: each key is written by one node (`passages` and `failures` by each researcher).

    A run that an older worker began has no `tenant` and no `history`.
    """

    question: str
    tenant: str
    history: list[Turn]
    searched_under: int  # the fence under which tools were last asked
    run_class: Literal["simple", "compound"]
    research: list[Research]
    passages: Annotated[list[Passage], operator.add]
    failures: Annotated[list[str], operator.add]
    draft: str
    answer: str
    citations: list[dict[str, Any]]
