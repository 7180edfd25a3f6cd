"""Settings of the research assistant: read once from the environment, checked at once, frozen."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bongsu.core.errors import UsageError
from bongsu.core.semconv import GENERATIONS, V1_41
from bongsu.telemetry.logs import ENVIRONMENTS, LEVELS, require_level

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SECONDS_PER_DAY = 86_400
SERVER_NEEDS = ("DATABASE_URL", "CHROMA_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY", "SEARCH_URL")
"""What `api` and `worker` cannot start without; `OPENAI_API_KEY` may come by `OPENAI_API_KEY_FILE`."""


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
    log_level: str
    environment: str
    traces: str
    trace_ratio: float
    semconv: str
    recall_seconds: float
    budget_usd_per_day: float
    budget_timezone: ZoneInfo
    budget_day_seconds: float

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
            log_level=reader.choice("RESEARCH_ASSISTANT_LOG_LEVEL", "INFO", LEVELS),
            environment=reader.choice("RESEARCH_ASSISTANT_ENVIRONMENT", "dev", ENVIRONMENTS),
            traces=reader.text("RESEARCH_ASSISTANT_TRACES", ""),
            trace_ratio=reader.number("RESEARCH_ASSISTANT_TRACE_RATIO", 1, low=0, high=1),
            semconv=reader.choice("RESEARCH_ASSISTANT_SEMCONV", V1_41, GENERATIONS),
            recall_seconds=reader.number("RESEARCH_ASSISTANT_RECALL_SECONDS", 60, low=1),
            budget_usd_per_day=reader.number("BUDGET_USD_PER_DAY", 50, low=0),
            budget_timezone=reader.timezone("BUDGET_TIMEZONE", "Asia/Seoul"),
            budget_day_seconds=reader.number("BUDGET_DAY_SECONDS", SECONDS_PER_DAY, low=1, high=SECONDS_PER_DAY),
        )
        reader.allow_level(settings.log_level, settings.environment)
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
        """Return one of `choices`, whichever way it was capitalised."""
        value = self.text(name, default)
        for choice in choices:
            if choice.casefold() == value.casefold():
                return choice
        self._problems.append(f"{name} is {value!r}, not one of {', '.join(choices)}")
        return default

    def allow_level(self, level: str, environment: str) -> None:
        """Note a log level that the environment does not allow."""
        try:
            require_level(level, environment, "RESEARCH_ASSISTANT_LOG_LEVEL")
        except UsageError as error:
            self._problems.append(error.args[0])

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
