from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from research_assistant.retrieval.fusion import fuse

RANKING = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(RANKING, RANKING)
def test_every_id_comes_out_once(one: list[str], other: list[str]) -> None:
    assert sorted(fuse(one, other)) == sorted(set(one) | set(other))


@given(RANKING)
def test_one_ranking_alone_keeps_its_order(ranking: list[str]) -> None:
    assert fuse(ranking, []) == fuse([], ranking) == ranking


def test_what_both_rankings_hold_beats_what_one_of_them_puts_first() -> None:
    assert fuse(["a", "c"], ["b", "c"])[0] == "c"
