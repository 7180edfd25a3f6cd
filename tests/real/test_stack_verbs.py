"""`bongsu up`, `status` and `down` as a person uses them, around the smallest system."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bongsu.stack import pids
from bongsu.stack.home import holder, read_home
from bongsu.stack.state import read_state
from tests.real.support.tiny_system import copy_catalogues, write_tiny
from tests.real.support.waiting import free_range, until

VERB_SECONDS = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A repository with a tiny system, and where its home is."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / ".bongsu"

    def argv(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).parent / "bongsu"), "--root", str(self.root), *arguments]

    def bongsu(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*arguments), capture_output=True, text=True, check=False, timeout=VERB_SECONDS, cwd=self.root
        )

    def members(self) -> list[tuple[int, str]]:
        return pids.members(read_home(self.home).identity)


@contextmanager
def place(web: str = "serve", ask: str = "ask") -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="bongsu-verbs-") as folder:
        found = Place(Path(folder))
        write_tiny(found.root, free_range(), web, ask)
        copy_catalogues(found.root)
        try:
            yield found
        finally:
            stopped = found.bongsu("down")
            assert stopped.returncode == 0, stopped.stderr


def test_up_detaches_with_an_answer_and_survives_its_supervisor_until_down() -> None:
    with place() as here:
        started = here.bongsu("up")
        assert started.returncode == 0, started.stderr
        assert "An answer [1]." in started.stdout
        assert "prometheus    http://127.0.0.1:" in started.stdout

        again = here.bongsu("up")
        assert (again.returncode, again.stdout.startswith("already running (supervisor pid ")) == (0, True)

        shown = here.bongsu("status", "--json")
        status = json.loads(shown.stdout)
        assert (shown.returncode, status["healthy"]) == (0, True)
        assert {p["state"] for p in status["processes"]} == {"running"}

        supervisor = holder(read_home(here.home))
        assert supervisor is not None
        assert pids.end([supervisor], signal.SIGKILL, 30) == []
        left = here.members()
        assert len(left) >= 8
        alone = here.bongsu("status")
        assert alone.returncode == 1
        assert "the supervisor is gone" in alone.stdout

        stopped = here.bongsu("down")
        assert stopped.returncode == 0, stopped.stderr
        assert not [process for process in left if pids.is_alive(*process)]
        assert here.members() == []
        assert here.bongsu("down").stdout == "nothing runs\n"
        assert here.bongsu("status").returncode == 1


def test_up_says_what_broke_and_leaves_nothing() -> None:
    with place("broken") as here:
        started = here.bongsu("up")
        assert started.returncode == 1
        assert "web ended with exit code 7 before it was ready" in started.stderr
        assert "tiny: this is why it broke" in started.stderr
        assert here.members() == []


def test_up_fails_and_leaves_nothing_when_the_sample_question_is_not_answered() -> None:
    with place(ask="fail") as here:
        started = here.bongsu("up")
        assert started.returncode == 1
        assert "the sample question was not answered" in started.stderr
        assert "tiny: I know no answer" in started.stderr
        assert here.members() == []


def test_up_names_a_missing_program() -> None:
    with place() as here:
        environment = {**os.environ, "PATH": "/nowhere"}
        started = subprocess.run(here.argv("up"), capture_output=True, text=True, check=False, env=environment)
        assert started.returncode == 3
        assert "not found on PATH: prometheus" in started.stderr
        assert "scripts/bootstrap.sh" in started.stderr


def test_up_reports_broken_specifications_with_their_place() -> None:
    with place() as here:
        routes = here.root / "alerts" / "routes.yaml"
        routes.write_text(routes.read_text() + "\nnonsense: 1\n")
        started = here.bongsu("up")
        assert started.returncode == 1
        assert "alerts/routes.yaml:" in started.stderr
        assert "nonsense" in started.stderr


def test_up_in_the_foreground_stops_everything_on_ctrl_c() -> None:
    with place() as here:
        argv = here.argv("up", "--foreground", "--no-question")
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as foreground:
            assert foreground.stdout is not None
            until(lambda: "everything answers" in (foreground.stdout.readline() if foreground.stdout else ""), "up")
            foreground.send_signal(signal.SIGINT)
            _, said = foreground.communicate(timeout=VERB_SECONDS)
        assert foreground.returncode == 130
        assert "everything it started is stopped" in said
        assert here.members() == []
        assert read_state(read_home(here.home)) is None


def test_ctrl_c_while_it_starts_stops_everything() -> None:
    with place() as here, subprocess.Popen(here.argv("up"), stderr=subprocess.PIPE, text=True) as starting:
        until((here.home / "state.json").exists, "the supervisor is at work")
        starting.send_signal(signal.SIGINT)
        _, said = starting.communicate(timeout=VERB_SECONDS)
        assert (starting.returncode, "everything it started is stopped" in said) == (130, True)
        assert here.members() == []


def test_down_stops_a_stack_that_is_still_starting() -> None:
    with place() as here, subprocess.Popen(here.argv("up"), stderr=subprocess.PIPE, text=True) as starting:
        until((here.home / "state.json").exists, "the supervisor is at work")
        assert here.bongsu("down").returncode == 0
        starting.communicate(timeout=VERB_SECONDS)
        assert starting.returncode != 0
        assert here.members() == []
