"""Fuse rankings by reciprocal rank: no score of one ranking has to mean anything to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    Id = TypeVar("Id", bound=Hashable)

K = 60
"""Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR 2009."""


def fuse(*rankings: Sequence[Id]) -> list[Id]:
    """Return the ids of all rankings, best first; ties keep the order of the first ranking that holds them."""
    scores: dict[Id, float] = {}
    for ranking in rankings:
        for rank, id_ in enumerate(dict.fromkeys(ranking), start=1):
            scores[id_] = scores.get(id_, 0.0) + 1 / (K + rank)
    return sorted(scores, key=lambda id_: -scores[id_])
