"""The users of bench/overload.py, for locust: what they send is open loop, so that a slow system is not sent less.

Run by the bench as `locust -f bench/support/overload_locust.py --headless ...`. The environment says what to send:
OVERLOAD_RATE (runs/s over all users), OVERLOAD_USERS, OVERLOAD_INTERACTIVE (their share), OVERLOAD_KEY,
OVERLOAD_KEY_LIMITED ("" for none: a tenant that hammers at LIMITED_RATE against OVERLOAD_HOSTS), OVERLOAD_RESULT (file
for the counts).
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant_throughput, events, task

RATE = float(os.environ.get("OVERLOAD_RATE", "1"))
USERS = int(os.environ.get("OVERLOAD_USERS", "1"))
SHARE = float(os.environ.get("OVERLOAD_INTERACTIVE", "1"))
HOSTS = os.environ.get("OVERLOAD_HOSTS", "").split()
LIMITED_KEY = os.environ.get("OVERLOAD_KEY_LIMITED", "")
LIMITED_RATE = 10.0
QUESTIONS = (
    "How does a fencing token stop a zombie worker?",
    "Why does an alert burn an error budget?",
    "What does a runbook do?",
    "How is a vector index rebuilt from its source of truth?",
)
numbers = itertools.count()
counts: Counter[str] = Counter()


def priority_of(number: int) -> str:
    """Return the priority of the n-th order: the interactive ones are spread evenly among the others."""
    return "interactive" if int((number + 1) * SHARE) > int(number * SHARE) else "batch"


class Asking(FastHttpUser):
    """One of USERS who together hand in RATE questions a second, whatever comes back."""

    fixed_count = USERS
    host = HOSTS[0] if HOSTS else ""
    wait_time = constant_throughput(RATE / USERS)

    @task
    def ask(self) -> None:
        """Hand in one question and note what came back."""
        number = next(numbers)
        priority = priority_of(number)
        content = {"question": QUESTIONS[number % len(QUESTIONS)], "priority": priority}
        headers = {"Authorization": f"Bearer {os.environ['OVERLOAD_KEY']}"}
        path = f"{HOSTS[number % len(HOSTS)]}/v1/runs"
        with self.client.post(path, json=content, headers=headers, name=priority, catch_response=True) as reply:
            _note(priority, reply)


class Limited(FastHttpUser):
    """One caller of a tenant with a rate limit, who asks more often than it may, of every API process in turn."""

    fixed_count = 1 if LIMITED_KEY else 0
    weight = 1 if LIMITED_KEY else 0
    host = HOSTS[0] if HOSTS else ""
    wait_time = constant_throughput(LIMITED_RATE)

    @task
    def begin(self) -> None:
        """Begin a session: the cheapest change there is."""
        path = f"{HOSTS[next(numbers) % len(HOSTS)]}/v1/sessions"
        headers = {"Authorization": f"Bearer {LIMITED_KEY}"}
        with self.client.post(path, headers=headers, name="limited", catch_response=True) as reply:
            _note("limited", reply)


def _note(what: str, reply: Any) -> None:
    counts[f"{what} {reply.status_code or type(reply.error).__name__}"] += 1
    if reply.status_code in (429, 503) and not reply.headers.get("Retry-After"):
        counts[f"{what} without Retry-After"] += 1
    reply.success()  # refused on purpose is no failure of this scenario: the bench judges the counts


@events.quitting.add_listener
def write(**_: Any) -> None:
    """Leave the counts for the bench."""
    if result := os.environ.get("OVERLOAD_RESULT"):
        Path(result).write_text(json.dumps(counts), encoding="utf-8")
