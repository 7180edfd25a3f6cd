"""A real Alertmanager on a compiled configuration, for as long as a test needs it."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from bongsu.alerts.alertmanager import CONFIG, TEMPLATE, compile_alertmanager, compile_template
from bongsu.stack.binaries import find_programs, search_path
from bongsu.stack.ports import HOST, free_ports
from tests.real.support.stand_ins import stop
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bongsu.alerts.model import Endpoints, Routes


@contextmanager
def alertmanager_on(folder: Path, routes: Routes, endpoints: Endpoints, factor: float) -> Iterator[str]:
    """Run Alertmanager in a folder until the block ends; yield its URL once it is ready."""
    (folder / "templates").mkdir()
    (folder / CONFIG).write_text(compile_alertmanager(routes, endpoints, factor), encoding="utf-8")
    (folder / TEMPLATE).write_text(compile_template(routes.file), encoding="utf-8")
    port = free_ports(["alertmanager"])["alertmanager"]
    program = find_programs(["alertmanager"], search_path(os.environ))["alertmanager"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / CONFIG}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={HOST}:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
            text=True,
        )
    url = f"http://{HOST}:{port}"
    try:
        until(lambda: _answers(url), "Alertmanager answers")
        yield url
    finally:
        stop(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").is_success
    except httpx.HTTPError:
        return False
