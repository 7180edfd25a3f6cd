"""The fault proxy as a process: its faults as the openai client sees them, its ledger, leases and control."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from bongsu.chaos.adapters.faultproxy import FaultProxyClient
from bongsu.core.errors import UnreachableError, UsageError
from tests.real.support.fault_proxy import CHAT, MODULE, QUESTION, Proxy, proxying
from tests.real.support.stand_ins import ROOT, Running, eventually, run_to_end, running, stop

ERROR_500: dict[str, Any] = {"kind": "http-error", "status": 500, "match": {"path": CHAT}}


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    with running("bongsu.local.provider", "--port", "0") as process:
        yield process


@pytest.fixture
def proxy(tmp_path: Path, provider: Running) -> Iterator[Proxy]:
    with proxying(tmp_path, provider.url) as running_proxy:
        yield running_proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="k", max_retries=0) as opened:
        yield opened


def ask(client: openai.OpenAI) -> str:
    return client.chat.completions.create(**QUESTION).choices[0].message.content or ""


def embed(client: openai.OpenAI) -> int:
    return len(client.embeddings.create(model="text-embedding-3-small", input="x").data[0].embedding)


# What the openai client sees


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "http-error", "status": 500}, openai.InternalServerError),
        ({"kind": "http-error", "body": "overloaded"}, openai.InternalServerError),
        ({"kind": "http-error", "body": "rate_limit"}, openai.RateLimitError),
        ({"kind": "http-error", "body": "quota"}, openai.RateLimitError),
        ({"kind": "http-error", "body": "auth"}, openai.AuthenticationError),
        ({"kind": "reset"}, openai.APIConnectionError),
    ],
)
async def test_the_openai_client_raises_its_own_error_for_each_fault(
    proxy: Proxy, client: openai.OpenAI, fault: dict[str, Any], error: type[openai.OpenAIError]
) -> None:
    assert ask(client) == "Budgets cap retries."
    identifier = await proxy.control.inject(fault, 30)
    with pytest.raises(error):
        ask(client)
    assert await proxy.control.hits(identifier) == 1
    assert await proxy.control.undo(identifier)
    assert ask(client) == "Budgets cap retries."


async def test_a_faulted_stream_raises_before_its_first_chunk(proxy: Proxy, client: openai.OpenAI) -> None:
    await proxy.control.inject(ERROR_500, 30)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**QUESTION, stream=True)


async def test_a_rate_limit_says_when_to_come_back(proxy: Proxy) -> None:
    await proxy.control.inject({"kind": "http-error", "body": "rate_limit", "retry_after": 7}, 30)
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{proxy.url}{CHAT}", json=QUESTION)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"


async def test_a_reset_is_a_true_rst(proxy: Proxy) -> None:
    await proxy.control.inject({"kind": "reset"}, 30)
    with socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


async def test_latency_holds_a_request_back_and_undoing_lets_it_go(proxy: Proxy, client: openai.OpenAI) -> None:
    identifier = await proxy.control.inject({"kind": "latency", "seconds": 0.3}, 30)
    started = time.monotonic()
    assert ask(client) == "Budgets cap retries."
    assert time.monotonic() - started >= 0.3
    await proxy.control.undo(identifier)
    identifier = await proxy.control.inject({"kind": "latency", "seconds": 600}, 30)
    held = asyncio.create_task(asyncio.to_thread(ask, client))
    await asyncio.to_thread(eventually, lambda: proxy.ledger("hit")[-1]["fault"] == identifier)
    await proxy.control.undo(identifier)
    async with asyncio.timeout(5):
        assert await held == "Budgets cap retries."


async def test_a_fault_on_one_path_leaves_the_others_alone(proxy: Proxy, client: openai.OpenAI) -> None:
    await proxy.control.inject(ERROR_500, 30)
    for _ in range(3):
        with pytest.raises(openai.InternalServerError):
            ask(client)
        assert embed(client) == 1024


# Ledger, leases and control


async def test_the_ledger_has_one_line_for_each_hit(proxy: Proxy, client: openai.OpenAI) -> None:
    ask(client)
    identifier = await proxy.control.inject({**ERROR_500, "probability": 0.5, "seed": 3}, 30)
    failed = 0
    for _ in range(40):
        try:
            ask(client)
        except openai.InternalServerError:
            failed += 1
    await proxy.control.undo(identifier)
    hits = proxy.ledger("hit")
    assert 5 < failed < 35
    assert len(hits) == failed == await proxy.control.hits(identifier)
    assert {(hit["fault"], hit["method"], hit["path"], hit["status"]) for hit in hits} == {
        (identifier, "POST", CHAT, 500)
    }
    assert [line["event"] for line in (proxy.ledger()[0], proxy.ledger()[-1])] == ["injected", "undone"]
    assert abs(proxy.ledger()[0]["at"] - time.time()) < 60


async def test_the_same_seed_hits_the_same_requests_again(tmp_path: Path, provider: Running) -> None:
    hits = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with proxying(tmp_path / name, provider.url) as proxy:
            await proxy.control.inject({"kind": "http-error", "status": 503, "probability": 0.3, "seed": 11}, 30)
            async with httpx.AsyncClient() as http:
                for _ in range(50):
                    await http.get(f"{proxy.url}/v1/models")
            hits.append([line["request"] for line in proxy.ledger("hit")])
    assert hits[0] == hits[1]
    assert 5 < len(hits[0]) < 25


async def test_a_lease_that_runs_out_heals_within_a_second(proxy: Proxy, client: openai.OpenAI) -> None:
    await proxy.control.inject(ERROR_500, 1.5)
    with pytest.raises(openai.InternalServerError):
        ask(client)
    eventually(lambda: bool(proxy.ledger("expired")), 10)
    injected, expired = proxy.ledger("injected")[0]["at"], proxy.ledger("expired")[0]["at"]
    assert 1.5 <= expired - injected + 0.01 < 2.5
    assert ask(client) == "Budgets cap retries."


async def test_a_renewed_lease_goes_on(proxy: Proxy, client: openai.OpenAI) -> None:
    identifier = await proxy.control.inject(ERROR_500, 1.0)
    await proxy.control.renew(identifier, 60)
    await asyncio.sleep(1.2)
    with pytest.raises(openai.InternalServerError):
        ask(client)
    await proxy.control.undo(identifier)
    with pytest.raises(UsageError, match="is active"):
        await proxy.control.renew(identifier, 60)


RUNNER = """
import asyncio, sys, pathlib
from bongsu.chaos.adapters.faultproxy import FaultProxyClient
async def main():
    proxy = FaultProxyClient(pathlib.Path(sys.argv[1]))
    fault = await proxy.inject({"kind": "http-error", "status": 500}, 2)
    print("injected", flush=True)
    while True:
        await asyncio.sleep(0.3)
        await proxy.renew(fault, 2)
asyncio.run(main())
"""


def test_a_killed_runner_leaves_no_fault_behind(proxy: Proxy, client: openai.OpenAI) -> None:
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(proxy.socket)], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert runner.stdout is not None
        assert runner.stdout.readline() == b"injected\n"
        started = time.monotonic()
        while time.monotonic() - started < 2.5:  # longer than one lease: it lives by renewal
            with pytest.raises(openai.InternalServerError):
                ask(client)
            time.sleep(0.1)
    finally:
        runner.send_signal(signal.SIGKILL)
        runner.wait()
        if runner.stdout is not None:
            runner.stdout.close()
    killed = time.time()
    eventually(lambda: bool(proxy.ledger("expired")), 10)
    assert proxy.ledger("expired")[0]["at"] - killed < 3.0
    assert ask(client) == "Budgets cap retries."


def test_only_the_owner_may_open_the_control_socket_and_the_ledger(proxy: Proxy) -> None:
    assert proxy.socket.stat().st_mode & 0o777 == 0o600
    assert proxy.ledger_file.stat().st_mode & 0o777 == 0o600


async def test_a_chosen_id_can_be_undone_before_the_answer_is_known(proxy: Proxy) -> None:
    assert await proxy.control.undo("experiment-7") is False
    assert await proxy.control.inject(ERROR_500, 30, fault_id="experiment-7") == "experiment-7"
    assert await proxy.control.undo("experiment-7") is True
    assert await proxy.control.undo("experiment-7") is False


async def test_a_wrong_injection_is_refused_with_the_reason(proxy: Proxy) -> None:
    with pytest.raises(UsageError, match="no fault is of kind 'meteor'"):
        await proxy.control.inject({"kind": "meteor"}, 10)
    assert proxy.ledger() == []


async def test_nonsense_on_the_control_socket_gets_an_answer_and_harms_nothing(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_unix_connection(str(proxy.socket))
    for line in (b"hello\n", b"[]\n", b'{"op": "explode"}\n', b'{"op": "renew"}\n', b"[" * 100_000 + b"\n"):
        writer.write(line)
        assert json.loads(await reader.readline())["ok"] is False
    writer.write(b"x" * (3 * 1024 * 1024) + b"\n")
    with suppress(ConnectionError):
        await writer.drain()
    writer.close()
    assert (await proxy.control.status())["faults"] == []


async def test_planted_a_proxy_in_pass_through_accepts_the_fault_and_records_no_hit(
    tmp_path: Path, provider: Running
) -> None:
    with proxying(tmp_path, provider.url, "--pass-through") as proxy:
        identifier = await proxy.control.inject(ERROR_500, 30)
        with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="k", max_retries=0) as client:
            assert ask(client) == "Budgets cap retries."
        assert await proxy.control.hits(identifier) == 0
        assert [line["event"] for line in proxy.ledger()] == ["injected"]


async def test_a_proxy_that_is_gone_or_silent_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="does not answer"):
        await FaultProxyClient(tmp_path / "absent.sock").status()
    mute = socket.socket(socket.AF_UNIX)
    with mute:
        mute.bind(str(tmp_path / "mute.sock"))
        mute.listen(1)
        with pytest.raises(UnreachableError, match=r"no answer within 0\.2 s"):
            await FaultProxyClient(tmp_path / "mute.sock", timeout_seconds=0.2).inject(ERROR_500, 10)


# The process


def test_sigterm_ends_it_cleanly_and_undoes_its_faults(tmp_path: Path, provider: Running) -> None:
    with proxying(tmp_path, provider.url) as proxy, httpx.Client() as idle:
        idle.get(f"{proxy.url}/v1/models")
        asyncio.run(proxy.control.inject(ERROR_500, 30))
        assert stop(proxy.running.process) == 0
        assert [line["event"] for line in proxy.ledger()] == ["injected", "undone"]
        assert not proxy.socket.exists()


def test_the_socket_of_a_killed_proxy_is_replaced_and_that_of_a_living_one_is_not(
    tmp_path: Path, provider: Running
) -> None:
    with proxying(tmp_path, provider.url) as first:
        os.kill(first.running.process.pid, signal.SIGKILL)
        first.running.process.wait()
        assert first.socket.exists()
    with proxying(tmp_path, provider.url) as second:
        argv = ["--listen", "0", "--upstream", provider.url, "--socket", str(second.socket), "--ledger", os.devnull]
        ended = run_to_end(MODULE, *argv)
        assert ended.returncode == 1
        assert "another proxy listens there" in ended.stderr
        assert asyncio.run(second.control.status())["ok"]


def test_a_taken_port_and_a_wrong_upstream_are_named(tmp_path: Path) -> None:
    files = ["--socket", str(tmp_path / "s"), "--ledger", str(tmp_path / "l")]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_to_end(MODULE, "--listen", port, "--upstream", "http://127.0.0.1:1", *files)
    assert (ended.returncode, f"127.0.0.1:{port}: cannot listen" in ended.stderr) == (1, True)
    ended = run_to_end(MODULE, "--listen", "0", "--upstream", "ftp://x/y", *files)
    assert (ended.returncode, "is no upstream" in ended.stderr) == (2, True)
    assert not (tmp_path / "s").exists()
