"""The local provider as a process, seen through the openai client and through plain HTTP."""

from __future__ import annotations

import json
import math
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import psutil
import pytest

from tests.real.support.stand_ins import Running, run_to_end, running, stop

MODULE = "bongsu.local.provider"
PASSAGES = [
    {"number": 1, "title": "Retry budgets", "text": "A retry budget caps retries at a share of traffic. Cats sleep."},
    {"number": 2, "title": "Breakers", "text": "A breaker stops calls. A retry budget limits what it lets through."},
]
SYNTHESIS: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "TASK: synthesize\nAnswer from the passages."},
        {"role": "user", "content": json.dumps({"question": "What is a retry budget?", "passages": PASSAGES})},
    ],
}


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    with running(MODULE, "--port", "0", "--name", "primary") as process:
        yield process


@pytest.fixture
def client(provider: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{provider.url}/v1", api_key="any", max_retries=0) as opened:
        yield opened


def post(provider: Running, path: str, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(f"{provider.url}{path}", content=content, headers={"authorization": "Bearer k", **headers})


def test_an_answer_cites_the_passages_it_is_made_of(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(**SYNTHESIS)
    answer = completion.choices[0].message.content or ""
    texts = {p["number"]: p["text"] for p in PASSAGES}
    cited = re.findall(r"(.+?) \[(\d+)\] ?", answer)
    assert {number for _, number in cited} == {"1", "2"}
    assert all(text in str(texts[int(number)]) for text, number in cited)
    assert completion.choices[0].finish_reason == "stop"
    assert completion.system_fingerprint is not None
    assert completion.usage is not None
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 50


def test_a_plan_is_json_of_researchers(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="gpt-4o",
        messages=[
            {"role": "system", "content": "TASK: plan\nAnswer in JSON."},
            {"role": "user", "content": "How do retries amplify load and what limits them?"},
        ],
        response_format={"type": "json_object"},
    )
    researchers = json.loads(completion.choices[0].message.content or "")["researchers"]
    assert [researcher["tool"] for researcher in researchers] == ["documents", "documents", "web"]


def test_a_stream_joins_to_the_same_answer_and_ends_with_usage(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(**SYNTHESIS)
    chunks = list(client.chat.completions.create(**SYNTHESIS, stream=True, stream_options={"include_usage": True}))
    joined = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert joined == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage
    assert len(chunks) > 5


def test_the_same_request_gets_the_same_answer_from_another_process(client: openai.OpenAI) -> None:
    with running(MODULE, "--port", "0", "--name", "secondary", "--seed", "9") as other:
        with openai.OpenAI(base_url=f"{other.url}/v1", api_key="any", max_retries=0) as second:
            theirs = second.chat.completions.create(**SYNTHESIS)
        ours = client.chat.completions.create(**SYNTHESIS)
    assert theirs.choices[0].message.content == ours.choices[0].message.content
    assert theirs.usage == ours.usage
    assert theirs.system_fingerprint != ours.system_fingerprint


def test_a_schema_shapes_the_answer(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"verdict": {"enum": ["yes", "no"]}, "why": {"type": "string"}},
        "required": ["verdict", "why"],
        "additionalProperties": False,
    }
    completion = client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": "Budgets cap retries."}],
        response_format={"type": "json_schema", "json_schema": {"name": "v", "schema": schema, "strict": True}},
    )
    assert json.loads(completion.choices[0].message.content or "") == {"verdict": "yes", "why": "Budgets cap retries."}


def test_embeddings_are_the_same_in_both_encodings(client: openai.OpenAI, provider: Running) -> None:
    encoded = client.embeddings.create(model="text-embedding-3-small", input=["retry budget", "재시도 예산"])
    plain = post(
        provider, "/v1/embeddings", {"model": "text-embedding-3-small", "input": ["retry budget", "재시도 예산"]}
    )
    assert [len(item.embedding) for item in encoded.data] == [1024, 1024]
    for ours, theirs in zip(encoded.data, plain.json()["data"], strict=True):
        assert ours.embedding == pytest.approx(theirs["embedding"], abs=1e-6)
        assert math.isclose(math.hypot(*theirs["embedding"]), 1.0, rel_tol=1e-6)
    assert (
        len(client.embeddings.create(model="text-embedding-3-small", input="x", dimensions=64).data[0].embedding) == 64
    )


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    assert {"gpt-4o", "text-embedding-3-small"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"


def test_the_client_raises_its_own_errors(client: openai.OpenAI, provider: Running) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="gpt-9", messages=[{"role": "user", "content": "x"}])
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as long:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "word " * 130_000}])
    assert (long.value.code, long.value.param) == ("context_length_exceeded", "messages")
    revoked = openai.OpenAI(base_url=f"{provider.url}/v1", api_key="revoked-key-of-last-month", max_retries=0)
    with revoked, pytest.raises(openai.AuthenticationError) as wrong:
        revoked.models.list()
    assert wrong.value.code == "invalid_api_key"
    assert "key-of-last" not in wrong.value.message


def test_a_request_without_a_key_is_refused(provider: Running) -> None:
    for header in ("", "Basic abc", "Bearer"):
        answer = post(provider, "/v1/chat/completions", SYNTHESIS, authorization=header)
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 200_000])
def test_a_body_that_is_no_json_object_is_a_400(provider: Running, body: bytes) -> None:
    answer = post(provider, "/v1/chat/completions", body)
    assert answer.status_code == 400
    assert "could not parse the JSON body" in answer.json()["error"]["message"]


def test_a_body_that_is_too_long_is_a_400(provider: Running) -> None:
    answer = post(provider, "/v1/chat/completions", b" " * (5 * 1024 * 1024))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "request_too_large")


def test_an_unknown_address_or_method_gets_an_openai_error(provider: Running) -> None:
    assert post(provider, "/v1/nothing", {}).json()["error"]["message"] == "Invalid URL (POST /v1/nothing)"
    answer = httpx.get(f"{provider.url}/v1/chat/completions")
    assert (answer.status_code, answer.json()["error"]["type"]) == (405, "invalid_request_error")


def test_responses_carry_request_id_and_rate_limits(provider: Running) -> None:
    headers = post(provider, "/v1/chat/completions", SYNTHESIS).headers
    assert re.fullmatch(r"req_[0-9a-f]{32}", headers["x-request-id"])
    assert int(headers["x-ratelimit-remaining-requests"]) < int(headers["x-ratelimit-limit-requests"])
    assert int(headers["x-ratelimit-remaining-tokens"]) < int(headers["x-ratelimit-limit-tokens"])
    assert headers["x-local-provider"] == "primary"


def test_requests_are_counted_by_operation_and_status(provider: Running) -> None:
    def count(status: int) -> float:
        text = httpx.get(f"{provider.url}/metrics").text
        sample = rf'^local_provider_requests_total{{operation="chat",status="{status}"}} (\S+)$'
        found = re.search(sample, text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    good, bad = count(200), count(400)
    post(provider, "/v1/chat/completions", SYNTHESIS)
    post(provider, "/v1/chat/completions", b"{")
    assert (count(200), count(400)) == (good + 1, bad + 1)


def test_lone_surrogates_do_not_break_the_answer(provider: Running) -> None:
    body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "half a pair \\ud800 of text."}]}'
    assert post(provider, "/v1/chat/completions", body).status_code == 200


def test_latency_delays_each_answer() -> None:
    with running(MODULE, "--port", "0", "--latency-ms", "200") as slow:
        assert post(slow, "/v1/chat/completions", SYNTHESIS).elapsed.total_seconds() >= 0.16


def test_one_core_sustains_a_hundred_answers_a_second(provider: Running) -> None:
    process = psutil.Process(provider.process.pid)
    with httpx.Client(base_url=provider.url, headers={"authorization": "Bearer k"}) as http:
        before = sum(process.cpu_times()[:2])
        for _ in range(200):
            http.post("/v1/chat/completions", json=SYNTHESIS).raise_for_status()
        spent = sum(process.cpu_times()[:2]) - before
    assert 200 / spent > 100


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_to_end(MODULE, "--port", str(port))
    assert ended.returncode == 1
    assert f"127.0.0.1:{port}: cannot listen" in ended.stderr
    assert "next: stop what uses the port" in ended.stderr


def test_sigterm_ends_it_cleanly() -> None:
    with running(MODULE, "--port", "0") as provider:
        assert httpx.get(f"{provider.url}/healthz").json() == {"status": "ok", "name": "primary"}
        assert stop(provider.process) == 0
