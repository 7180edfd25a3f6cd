"""Settings of the research assistant: read once from the environment, checked at once, frozen."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bongsu.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SECONDS_PER_DAY = 86_400
_HOST = re.compile(r"[a-z0-9._-]+(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?")
USAGE_DAYS = 2
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SERVER_NEEDS = ("DATABASE_URL", "CHROMA_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY", "SEARCH_URL")
"""What `api` and `worker` cannot start without; `OPENAI_API_KEY` may come by `OPENAI_API_KEY_FILE`."""


@dataclass(frozen=True, slots=True)
class Retention:
    """After how many days each kind of row is deleted; 0 keeps it. One field for each of conventions.PRUNED.

    `checkpoints` is about those of runs that are done or cancelled; a dead letter keeps its own, so that a replay goes
    on from there. `run_events` and `runs` are about final runs, and a run takes all that is its own with it.
    """

    runs: float = 90
    checkpoints: float = 7
    run_events: float = 30
    feedback: float = 90
    usage: float = 400
    sessions: float = 90
    queue_log: float = 7


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the environment decides; a variable that is not set and not needed is an empty string.

    Units are in the names. `openai_secondary_base_url` is empty when there is no second endpoint.
    """

    database_url: str = field(repr=False)  # carries the password
    chroma_url: str
    openai_base_url: str
    openai_secondary_base_url: str
    openai_api_key: str = field(repr=False)
    search_url: str
    model: str
    api_url: str
    api_key_file: str
    lease_seconds: float
    concurrency: int
    node_pace_seconds: float
    run_deadline_seconds: float
    drain_seconds: float
    api_drain_seconds: float
    log_level: str
    tenant_concurrency: int  # 0: any number
    batch_tries: int
    interactive_tries: int
    retry_seconds: float
    retry_max_seconds: float
    retention: Retention
    retention_seconds: float  # how often a worker looks for old rows
    budget_usd_per_day: float
    budget_timezone: ZoneInfo
    budget_day_seconds: float
    requests_per_minute: int
    tenant_documents: int
    tenant_document_bytes: int
    admission_file: str
    private_upstreams: tuple[str, ...]  # `host` or `host:port` that may have private addresses

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, needs: Collection[str] = SERVER_NEEDS) -> Settings:
        """Read the settings from `environ` (default: the process environment).

        `needs` names the variables this command cannot do without. Raises UsageError naming every missing or wrong
        variable at once.
        """
        reader = _Reader(os.environ if environ is None else environ)
        settings = cls(
            database_url=reader.url("DATABASE_URL", schemes=("postgresql", "postgres")),
            chroma_url=reader.url("CHROMA_URL"),
            openai_base_url=reader.url("OPENAI_BASE_URL"),
            openai_secondary_base_url=reader.url("OPENAI_SECONDARY_BASE_URL"),
            openai_api_key=reader.secret("OPENAI_API_KEY"),
            search_url=reader.url("SEARCH_URL"),
            model=reader.text("RESEARCH_ASSISTANT_MODEL", "gpt-4o"),
            api_url=reader.url("RESEARCH_ASSISTANT_API_URL"),
            api_key_file=reader.text("RESEARCH_ASSISTANT_API_KEY_FILE", ""),
            lease_seconds=reader.number("RESEARCH_ASSISTANT_LEASE_SECONDS", 15, low=1),
            concurrency=reader.integer("RESEARCH_ASSISTANT_CONCURRENCY", 8, low=2),
            node_pace_seconds=reader.number("RESEARCH_ASSISTANT_NODE_PACE_SECONDS", 0, low=0),
            run_deadline_seconds=reader.number("RESEARCH_ASSISTANT_RUN_DEADLINE_SECONDS", 120, low=1),
            drain_seconds=reader.number("RESEARCH_ASSISTANT_DRAIN_SECONDS", 25, low=0),
            api_drain_seconds=reader.number("RESEARCH_ASSISTANT_API_DRAIN_SECONDS", 2, low=0),
            log_level=reader.choice("RESEARCH_ASSISTANT_LOG_LEVEL", "INFO", LOG_LEVELS),
            tenant_concurrency=reader.integer("RESEARCH_ASSISTANT_TENANT_CONCURRENCY", 32, low=0),
            batch_tries=reader.integer("RESEARCH_ASSISTANT_BATCH_TRIES", 4, low=1),
            interactive_tries=reader.integer("RESEARCH_ASSISTANT_INTERACTIVE_TRIES", 1, low=1),
            retry_seconds=reader.number("RESEARCH_ASSISTANT_RETRY_SECONDS", 5, low=0),
            retry_max_seconds=reader.number("RESEARCH_ASSISTANT_RETRY_MAX_SECONDS", 300, low=0),
            retention=reader.retention("RESEARCH_ASSISTANT_RETENTION_"),
            retention_seconds=reader.number("RESEARCH_ASSISTANT_RETENTION_SECONDS", 3600, low=1),
            budget_usd_per_day=reader.number("BUDGET_USD_PER_DAY", 50, low=0),
            budget_timezone=reader.timezone("BUDGET_TIMEZONE", "Asia/Seoul"),
            budget_day_seconds=reader.number("BUDGET_DAY_SECONDS", SECONDS_PER_DAY, low=1, high=SECONDS_PER_DAY),
            requests_per_minute=reader.integer("RESEARCH_ASSISTANT_REQUESTS_PER_MINUTE", 6_000, low=1),
            tenant_documents=reader.integer("RESEARCH_ASSISTANT_TENANT_DOCUMENTS", 500, low=0),
            tenant_document_bytes=reader.integer("RESEARCH_ASSISTANT_TENANT_DOCUMENT_BYTES", 20_000_000, low=0),
            private_upstreams=reader.hosts("RESEARCH_ASSISTANT_PRIVATE_UPSTREAMS"),
            admission_file=reader.text("RESEARCH_ASSISTANT_ADMISSION_FILE", ""),
        )
        reader.require(needs)
        reader.raise_problems()
        return settings


class _Reader:
    """Typed reads of variables that collect problems instead of stopping at the first one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        """Return the value without surrounding blanks, `default` when unset or empty."""
        return self._environ.get(name, "").strip() or default

    def url(self, name: str, *, schemes: Collection[str] = ("http", "https")) -> str:
        value = self.text(name, "")
        if value and not self._is_url(value, schemes):
            self._problems.append(
                f"{name} is not a {' or '.join(schemes)} URL with a host"
            )  # never the value: it may hold a password
        return value.rstrip("/")

    @staticmethod
    def _is_url(value: str, schemes: Collection[str]) -> bool:
        try:
            parts = urlsplit(value)
            return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            return False

    def secret(self, name: str) -> str:
        """Return the variable, or the stripped content of the file named by `{name}_FILE`."""
        path = self.text(f"{name}_FILE", "")
        if not path:
            return self.text(name, "")
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self._problems.append(f"{name}_FILE names {path}, which cannot be read ({type(error).__name__})")
            return ""

    def hosts(self, name: str) -> tuple[str, ...]:
        """Return a comma-separated list of `host` and `host:port`, in lower case."""
        found = tuple(part.strip().lower() for part in self.text(name, "").split(",") if part.strip())
        if wrong := [each for each in found if not _HOST.fullmatch(each)]:
            self._problems.append(f"{name} holds {', '.join(map(repr, wrong))}, not a host or host:port")
        return found

    def number(self, name: str, default: float, *, low: float, high: float = math.inf) -> float:
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (low <= value <= high) or math.isinf(value):
            bounds = f"of at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
            self._problems.append(f"{name} is {text!r}, not a number {bounds}")
        return value

    def integer(self, name: str, default: int, *, low: int) -> int:
        value = self.number(name, default, low=low)
        if value.is_integer():
            return int(value)
        if not math.isnan(value):
            self._problems.append(f"{name} is {value:g}, not a whole number")
        return default

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        value = self.text(name, default).upper()
        if value not in choices:
            self._problems.append(f"{name} is {value!r}, not one of {', '.join(choices)}")
        return value

    def retention(self, prefix: str) -> Retention:
        """Return the days of each kind: `{prefix}{KIND}_DAYS`."""
        days = {
            each.name: self.number(f"{prefix}{each.name.upper()}_DAYS", getattr(Retention(), each.name), low=0)
            for each in fields(Retention)
        }
        if 0 < days["usage"] < USAGE_DAYS:  # the day's budget is summed from it
            self._problems.append(f"{prefix}USAGE_DAYS is {days['usage']:g}, not 0 or at least {USAGE_DAYS}")
        return Retention(**days)

    def timezone(self, name: str, default: str) -> ZoneInfo:
        value = self.text(name, default)
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._problems.append(f"{name} is {value!r}, not a time zone of the IANA database (such as Asia/Seoul)")
            return ZoneInfo(default)

    def require(self, names: Collection[str]) -> None:
        """Note each of `names` that has neither a value nor, for secrets, a readable file."""
        for name in names:
            if not self.text(name, "") and not self.text(f"{name}_FILE", ""):
                self._problems.append(f"{name} is not set")

    def raise_problems(self) -> None:
        if self._problems:
            raise UsageError(
                "; ".join(self._problems), where="environment", next="set the variables named above and start again"
            )
