from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bongsu.alerts.alertmanager import CONFIG
from bongsu.core.errors import UnreachableError
from bongsu.stack import logs, pids
from bongsu.stack.binaries import find_programs, search_path
from bongsu.stack.endpoints import local_endpoints
from bongsu.stack.monitoring import ALERTMANAGER_FILE
from bongsu.stack.postgres import find_binaries
from bongsu.stack.secretfiles import ensure_secret
from tests.unit.stack.sites import HOME, make_site


def test_every_missing_program_is_named_at_once_under_all_its_names(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError) as caught:
        find_programs(["prometheus", "alertmanager"], search_path({"PATH": str(tmp_path)}, tmp_path))
    assert "prometheus, alertmanager or prometheus-alertmanager" in str(caught.value)
    assert "scripts/bootstrap.sh" in caught.value.next
    assert caught.value.exit_code == 3


def test_a_program_is_found_under_debians_name(tmp_path: Path) -> None:
    program = tmp_path / "prometheus-node-exporter"
    program.touch(mode=0o755)
    assert find_programs(["node-exporter"], search_path({}, tmp_path)) == {"node-exporter": str(program)}


def test_a_pg_bin_without_postgresql_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="no postgres here"):
        find_binaries({"PG_BIN": str(tmp_path)})


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = ensure_secret(tmp_path, "key")
    first = path.read_text()
    path.chmod(0o644)
    assert ensure_secret(tmp_path, "key").read_text() == first
    assert re.fullmatch("[0-9a-f]{32}", first), "PagerDuty takes routing keys of exactly this form"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_above_the_limit_is_moved_aside_in_place(tmp_path: Path) -> None:
    big, small = tmp_path / "big.log", tmp_path / "small.log"
    big.write_text("x" * 100)
    small.write_text("y")
    with big.open("a") as writer:
        assert logs.rotate(tmp_path, limit=50) == ["big.log"]
        writer.write("after")
    assert (big.read_text(), (tmp_path / "big.log.1").read_text(), small.read_text()) == ("after", "x" * 100, "y")


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("".join(f"line {n}\n" for n in range(5000)))
    assert logs.tail(tmp_path / "a.log", 2) == "line 4998\nline 4999"
    assert logs.tail(tmp_path / "none.log") == ""


def test_a_pid_with_another_identity_is_not_ours() -> None:
    known = pids.identity(os.getpid())
    assert known is not None
    assert pids.is_alive(os.getpid(), known)
    assert not pids.is_alive(os.getpid(), known + "0")


def test_notifications_go_to_the_local_receiver_and_secrets_to_files() -> None:
    endpoints = local_endpoints(make_site().urls, HOME)
    assert endpoints.pagerduty_url == "http://127.0.0.1:8750/pagerduty/v2/enqueue"
    assert endpoints.smtp_smarthost == "127.0.0.1:8751"
    assert endpoints.slack_url_file == str(HOME.secrets / "slack-url")
    assert set(endpoints.webhooks) == {"record", "note"}


def test_the_stack_and_the_compiler_mean_the_same_file() -> None:
    assert f"alertmanager/{CONFIG}" == ALERTMANAGER_FILE
