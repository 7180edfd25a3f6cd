from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bongsu.local.provider import tokens, wire
from bongsu.local.provider.answer import Answer
from bongsu.local.provider.requests import parse_chat

CALL = wire.Call(wire.identifier(0, "primary", 1), 1_700_000_000, wire.fingerprint("primary"))


def events(text: str, *, include_usage: bool = False) -> list[dict[str, object]]:
    options = {"stream_options": {"include_usage": True}} if include_usage else {}
    request = parse_chat({"model": "gpt-4o", "messages": [{"role": "user", "content": "q"}], "stream": True, **options})
    lines = b"".join(wire.chunks(request, Answer(text, "stop", 3), CALL)).decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


@given(st.text())
def test_the_pieces_of_a_stream_are_the_text_again(text: str) -> None:
    pieces = [event["choices"][0]["delta"].get("content", "") for event in events(text)]  # type: ignore[index]
    assert "".join(pieces) == text.encode("utf-8", "replace").decode()


def test_only_the_last_chunk_with_a_choice_has_a_finish_reason() -> None:
    reasons = [event["choices"][0]["finish_reason"] for event in events("one two three " * 9)]  # type: ignore[index]
    assert reasons == [None] * (len(reasons) - 1) + ["stop"]


def test_usage_comes_in_a_chunk_of_its_own_when_asked_for() -> None:
    *others, last = events("text", include_usage=True)
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 3  # type: ignore[index]
    assert all(event["usage"] is None for event in others)
    assert all("usage" not in event for event in events("text"))


def test_identifiers_follow_from_seed_name_and_number() -> None:
    assert wire.identifier(1, "a", 1) == wire.identifier(1, "a", 1)
    assert len({wire.identifier(s, n, i) for s in (1, 2) for n in ("a", "b") for i in (1, 2)}) == 8


def test_two_endpoints_have_different_fingerprints() -> None:
    assert wire.fingerprint("primary") != wire.fingerprint("secondary")


def test_rate_limits_count_down_and_refill() -> None:
    limits = wire.RateLimits()
    assert limits.spend(1000, 0.0)["x-ratelimit-remaining-tokens"] == str(wire.TOKENS_PER_MINUTE - 1000)
    assert limits.spend(0, 0.0)["x-ratelimit-remaining-requests"] == str(wire.REQUESTS_PER_MINUTE - 2)
    assert limits.spend(0, 60.0)["x-ratelimit-remaining-requests"] == str(wire.REQUESTS_PER_MINUTE - 1)


def test_rate_limits_never_go_below_nothing() -> None:
    assert wire.RateLimits().spend(10**12, 0.0)["x-ratelimit-remaining-tokens"] == "0"


@given(st.text(max_size=200), st.integers(1, 50))
def test_a_truncated_text_costs_at_most_its_limit(text: str, limit: int) -> None:
    short = tokens.truncate(text, limit)
    assert text.startswith(short)
    assert tokens.count(short) <= limit
    assert short == text or tokens.count(text) > limit


def test_token_counts_are_what_they_were() -> None:
    assert tokens.count("A retry budget caps retries at 10 %.") == 10
    assert tokens.count("재시도 예산은 비율을 제한한다.") == 9
    assert tokens.count_messages(["hi", ""]) == 10
