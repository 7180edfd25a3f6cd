"""The runner's fault line on the real proxy: the same promises as the simulated one."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from bongsu.chaos.adapters.faultline import ProxyFaultLine
from bongsu.chaos.model import DirectRequest
from tests.real.support.fault_proxy import CHAT, QUESTION, proxying
from tests.real.support.stand_ins import running
from tests.support.faultline import check_fault_line

REQUEST = DirectRequest("POST", CHAT, json.dumps(QUESTION))


async def test_the_real_fault_line_keeps_the_promises_of_the_simulated_one(tmp_path: Path) -> None:
    with running("bongsu.local.provider", "--port", "0") as provider, proxying(tmp_path, provider.url) as proxy:
        async with httpx.AsyncClient() as client:
            await check_fault_line(ProxyFaultLine(proxy.control, client, proxy.url, REQUEST, "any-key"))


async def test_a_proxy_in_pass_through_is_caught_by_the_same_promises(tmp_path: Path) -> None:
    with (
        running("bongsu.local.provider", "--port", "0") as provider,
        proxying(tmp_path, provider.url, "--pass-through") as proxy,
    ):
        async with httpx.AsyncClient() as client:
            line = ProxyFaultLine(proxy.control, client, proxy.url, REQUEST, "any-key")
            with pytest.raises(AssertionError):
                await check_fault_line(line)
