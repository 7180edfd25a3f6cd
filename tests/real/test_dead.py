"""The verbs `dead` and `cancel` as an operator calls them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.real.support.assistant import SCRIPT
from tests.real.support.jobs import ForkServer, Jobs, jobs
from tests.real.support.waiting import until

if TYPE_CHECKING:
    from tests.real.support.pg import Postgres


def call(j: Jobs, *argv: str, code: int = 0) -> str:
    """Run a verb of the console script on the database of `j`; return what it printed (errors for a wrong code)."""
    done = subprocess.run([str(SCRIPT), *argv], env=j.environ, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def test_a_dead_letter_is_listed_shown_with_its_history_and_replayed(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "letters", retry_seconds="0.1") as j:
        assert call(j, "dead", "list") == ""
        j.spawn()
        (person,) = j.submit("llm_server under 1 in critic")
        (batch,) = j.submit("search under 4 in planner", priority="batch")
        j.wait_final(person, batch)
        lines = call(j, "dead", "list").splitlines()
        assert [line.split("  ")[0] for line in lines] == [str(batch), str(person)]
        assert "batch  4 tries  search  search under 4 in planner" in lines[0]
        assert call(j, "dead", "list", "--kind", "search").split("  ")[0] == str(batch)

        shown = json.loads(call(j, "dead", "show", str(batch)))
        assert (shown["state"], shown["error"]["kind"], shown["tries"]) == ("failed", "search", 4)
        whys = [event["detail"] for event in shown["history"] if event["event"] in ("retried", "failed")]
        assert len(whys) == 4
        assert whys[-1] == "search: search on request"

        assert call(j, "dead", "replay", "--kind", "search").split() == [str(batch)]
        assert call(j, "dead", "replay", str(person)).split() == [str(person)]
        until(lambda: j.not_done() == [], "both end well")
        assert call(j, "dead", "list") == ""


def test_what_cannot_be_replayed_is_said_with_what_to_do(server: Postgres, forks: ForkServer) -> None:
    with jobs(server, forks, "no_letters") as j:
        (waiting,) = j.submit("a question")
        assert "only a failed one can be replayed" in call(j, "dead", "replay", str(waiting), code=1)
        assert "no such run" in call(j, "dead", "show", "seven", code=2)
        assert "either ids or a kind" in call(j, "dead", "replay", code=2)
        assert "unknown kind 'weather'" in call(j, "dead", "list", "--kind", "weather", code=2)
        assert call(j, "cancel", str(waiting)).strip() == "cancelled"
        assert j.run(waiting)["state"] == "cancelled"
