"""Names, written once: metrics, labels, recording rules, alert files, panel ids.

Everybody else imports them; tests/unit/core/test_names.py finds a literal spelled elsewhere.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = "s"

LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
RUN_BUCKETS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0)
"""10 and 30 seconds are bucket bounds because A2b's thresholds stand there: no interpolation error at the threshold."""

EVENT_KINDS = ("run", "api")
EVENT_OUTCOMES = ("good", "bad", "shed")
RUN_CLASSES = ("simple", "compound")
NODES = ("planner", "researcher", "synthesizer", "critic")
PRIORITIES = ("interactive", "batch")
SHED_REASONS = ("rate", "age", "depth", "busy")
PRUNED = ("runs", "checkpoints", "run_events", "feedback", "usage", "sessions", "queue_log")
ENDPOINTS = ("primary", "secondary")
OUTCOMES = ("ok", "error")
BACKUP_PARTS = ("database", "vectors", "configuration")
ERROR_KINDS = (
    "llm_server",
    "llm_rate_limit",
    "llm_auth",
    "llm_timeout",
    "llm_connection",
    "llm_invalid",
    "llm_request",
    "search",
    "vector",
    "database",
    "deadline",
    "citations",
    "unhandled",
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its full Prometheus name, kind, help, unit and labels.

    `labels` maps each label to its closed set of values; an empty tuple means they come at run time. Metrics whose
    sets are all closed are created at 0 when a process starts: the first increment of a new series is invisible to
    `rate` and `increase` (prometheus/prometheus#12967).
    """

    name: str
    kind: str
    help: str
    unit: str = ""
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """Return the label names in declaration order."""
        return tuple(name for name, _ in self.labels)

    def combinations(self) -> Iterator[tuple[str, ...]]:
        """Yield every label combination when all sets are closed, nothing otherwise."""
        if all(values for _, values in self.labels):
            yield from product(*(values for _, values in self.labels))


EVENTS = Metric(
    "bongsu_events_total",
    "counter",
    "Service events by outcome: shed work counts apart from good and bad.",
    labels=(("kind", EVENT_KINDS), ("outcome", EVENT_OUTCOMES)),
)
RUN_DURATION = Metric(
    "bongsu_run_duration_seconds",
    "histogram",
    "Time from submit to final answer of interactive runs; nobody sits and waits for batch runs and replayed ones.",
    SECONDS,
    (("class", RUN_CLASSES),),
    RUN_BUCKETS,
)
ERRORS = Metric(
    "bongsu_errors_total",
    "counter",
    "Failed runs and unhandled errors, each once, by kind.",
    labels=(("kind", ERROR_KINDS),),
)
NODE_DURATION = Metric(
    "bongsu_node_duration_seconds",
    "histogram",
    "Time of one graph node.",
    SECONDS,
    (("node", NODES), ("outcome", OUTCOMES)),
    LATENCY_BUCKETS,
)
LLM_CALLS = Metric(
    "bongsu_llm_calls_total",
    "counter",
    "Calls to an LLM endpoint.",
    labels=(("endpoint", ENDPOINTS), ("operation", ("chat", "embeddings")), ("outcome", OUTCOMES)),
)
LLM_DURATION = Metric(
    "bongsu_llm_call_duration_seconds",
    "histogram",
    "Time of one call to an LLM endpoint.",
    SECONDS,
    (("endpoint", ENDPOINTS), ("operation", ("chat", "embeddings"))),
    LATENCY_BUCKETS,
)
LLM_TOKENS = Metric(
    "bongsu_llm_tokens_total",
    "counter",
    "Tokens billed by an LLM endpoint.",
    labels=(("endpoint", ENDPOINTS), ("direction", ("input", "output"))),
)
SEARCH_CALLS = Metric(
    "bongsu_search_calls_total",
    "counter",
    "Calls to a search provider.",
    labels=(("provider", ("searxng",)), ("outcome", OUTCOMES)),
)
SEARCH_DURATION = Metric(
    "bongsu_search_call_duration_seconds",
    "histogram",
    "Time of one call to a search provider.",
    SECONDS,
    (("provider", ("searxng",)),),
    LATENCY_BUCKETS,
)
VECTOR_DURATION = Metric(
    "bongsu_vector_query_duration_seconds",
    "histogram",
    "Time of one query to the vector index.",
    SECONDS,
    (("outcome", OUTCOMES),),
    LATENCY_BUCKETS,
)
COST = Metric("bongsu_cost_usd_total", "counter", "Spend on LLM endpoints in USD.", labels=(("endpoint", ENDPOINTS),))
COST_BUDGET_USED = Metric(
    "bongsu_cost_budget_used_ratio", "gauge", "Spend since midnight of the configured time zone over the daily budget."
)
QUEUE_DEPTH = Metric(
    "bongsu_queue_depth", "gauge", "Runs waiting for a worker, by priority.", labels=(("priority", PRIORITIES),)
)
QUEUE_OLDEST_AGE = Metric(
    "bongsu_queue_oldest_age_seconds",
    "gauge",
    "How long the oldest waiting run has waited for a worker, by priority; pauses between tries do not count.",
    SECONDS,
    (("priority", PRIORITIES),),
)
HTTP_DURATION = Metric(
    "bongsu_http_request_duration_seconds",
    "histogram",
    "Time of one HTTP request to the API.",
    SECONDS,
    (("route", ()), ("method", ()), ("code", ())),
    LATENCY_BUCKETS,
)
SHED = Metric(
    "bongsu_shed_total",
    "counter",
    "Requests refused on purpose, by reason: the tenant's rate, what waits (age, depth), too many at once (busy).",
    labels=(("reason", SHED_REASONS), ("priority", (*PRIORITIES, "none"))),
)
FENCED_WRITES = Metric("bongsu_fenced_writes_total", "counter", "Writes of a stale worker that the fence rejected.")
RUNS_RESUMED = Metric("bongsu_runs_resumed_total", "counter", "Runs taken over from a worker that stopped.")
RUNS_RETRIED = Metric(
    "bongsu_runs_retried_total",
    "counter",
    "Failed tries after which the run was queued again, by kind of failure.",
    labels=(("kind", ERROR_KINDS),),
)
DEAD_LETTERS = Metric(
    "bongsu_dead_letters_total",
    "counter",
    "Runs that ended as dead letters: no try is left, or none would help, by kind of failure.",
    labels=(("kind", ERROR_KINDS),),
)
RUNS_CANCELLED = Metric("bongsu_runs_cancelled_total", "counter", "Runs that ended because somebody cancelled them.")
LEASES_LOST = Metric(
    "bongsu_leases_lost_total", "counter", "Runs that a worker abandoned because another one had taken them over."
)
ROWS_PRUNED = Metric(
    "bongsu_rows_pruned_total",
    "counter",
    "Rows deleted because they were older than their retention, by what they hold.",
    labels=(("what", PRUNED),),
)
PROCESS_RESTARTS = Metric(
    "bongsu_process_restarts_total", "counter", "Restarts of a process by the supervisor.", labels=(("process", ()),)
)
PROOF_TIMESTAMP = Metric(
    "bongsu_proof_timestamp_seconds",
    "gauge",
    "When an alert was last proved by valid evidence, as Unix time; 0 when it never was.",
    SECONDS,
    (("alert", ()),),
)
BACKUP_LAST_SUCCESS = Metric(
    "bongsu_backup_last_success_timestamp_seconds",
    "gauge",
    "When the newest restorable backup in a repository was taken, as Unix time, read from the repository; 0 for none.",
    SECONDS,
    (("repository", ()), ("part", BACKUP_PARTS)),
)
BACKUP_CADENCE = Metric(
    "bongsu_backup_cadence_seconds",
    "gauge",
    "How often a part is to be backed up.",
    SECONDS,
    (("part", BACKUP_PARTS),),
)
BACKUP_WATCHED_SINCE = Metric(
    "bongsu_backup_watched_since_timestamp_seconds",
    "gauge",
    "Since when backups are due in this home, as Unix time: a fresh home has the grace of one cadence.",
    SECONDS,
)
BACKUP_FAILED_IN_A_ROW = Metric(
    "bongsu_backup_failed_in_a_row",
    "gauge",
    "Backups into a repository that failed since its last success.",
    labels=(("repository", ()),),
)
BACKUP_RUNS = Metric(
    "bongsu_backup_runs_total",
    "counter",
    "Finished backups by repository and outcome.",
    labels=(("repository", ()), ("outcome", OUTCOMES)),
)
BACKUP_RUNNING = Metric(
    "bongsu_backup_running_seconds", "gauge", "How long the backup under way has been running; 0 when none is.", SECONDS
)
BACKUP_DURATION = Metric(
    "bongsu_backup_last_duration_seconds",
    "gauge",
    "How long the last successful backup of a part took.",
    SECONDS,
    (("part", BACKUP_PARTS),),
)
BACKUP_BYTES = Metric(
    "bongsu_backup_last_bytes",
    "gauge",
    "Size of the last successful backup of a part, before compression.",
    "bytes",
    (("part", BACKUP_PARTS),),
)
BACKUP_VERIFIED = Metric(
    "bongsu_backup_verified_timestamp_seconds",
    "gauge",
    "When every file of a repository was last read and found right, as Unix time; 0 for never.",
    SECONDS,
    (("repository", ()),),
)
BACKUP_DAMAGED = Metric(
    "bongsu_backup_damaged_files",
    "gauge",
    "Files of a repository that were damaged or missing when all of it was last read; 0 once it is found right again.",
    labels=(("repository", ()),),
)
WAL_COVERED = Metric(
    "bongsu_wal_covered_timestamp_seconds",
    "gauge",
    "All that was committed up to this instant lies in the repository, as Unix time; 0 before the first WAL.",
    SECONDS,
    (("repository", ()),),
)
DRILL_TIMESTAMP = Metric(
    "bongsu_drill_timestamp_seconds",
    "gauge",
    "When a drill was last passed with valid evidence, as Unix time; 0 when it never was.",
    SECONDS,
    (("drill", ()),),
)
DRILL_RPO = Metric(
    "bongsu_drill_rpo_seconds",
    "gauge",
    "Seconds of acknowledged work that the last passed drill lost.",
    SECONDS,
    (("drill", ()),),
)
DRILL_RTO = Metric(
    "bongsu_drill_rto_seconds",
    "gauge",
    "Seconds from the declared disaster to the first verified answer in the last passed drill.",
    SECONDS,
    (("drill", ()),),
)

WATCH_PART_UP = Metric(
    "bongsu_watch_part_up",
    "gauge",
    "1 while a part of the alerting chain was heard of within the time that counts as dead, else 0.",
    labels=(("part", ("prometheus", "alertmanager", "receiver", "pipeline")),),
)
WATCH_HEARTBEAT_AGE = Metric(
    "bongsu_watch_heartbeat_age_seconds",
    "gauge",
    "Time since the newest heartbeat that arrived was evaluated.",
    SECONDS,
)

METRICS = (
    EVENTS,
    RUN_DURATION,
    ERRORS,
    NODE_DURATION,
    LLM_CALLS,
    LLM_DURATION,
    LLM_TOKENS,
    SEARCH_CALLS,
    SEARCH_DURATION,
    VECTOR_DURATION,
    COST,
    COST_BUDGET_USED,
    QUEUE_DEPTH,
    QUEUE_OLDEST_AGE,
    HTTP_DURATION,
    SHED,
    FENCED_WRITES,
    RUNS_RESUMED,
    RUNS_RETRIED,
    DEAD_LETTERS,
    RUNS_CANCELLED,
    LEASES_LOST,
    ROWS_PRUNED,
    PROCESS_RESTARTS,
    PROOF_TIMESTAMP,
    BACKUP_LAST_SUCCESS,
    BACKUP_CADENCE,
    BACKUP_WATCHED_SINCE,
    BACKUP_FAILED_IN_A_ROW,
    BACKUP_RUNS,
    BACKUP_RUNNING,
    BACKUP_DURATION,
    BACKUP_BYTES,
    BACKUP_VERIFIED,
    BACKUP_DAMAGED,
    WAL_COVERED,
    DRILL_TIMESTAMP,
    DRILL_RPO,
    DRILL_RTO,
    WATCH_PART_UP,
    WATCH_HEARTBEAT_AGE,
)

# Recording rules and labels of an SLO: Sloth's names, so that its dashboards keep working.
# Source: https://github.com/slok/sloth, pkg/common/conventions
SLI_ERROR_RATIO = "slo:sli_error:ratio_rate"
SLO_OBJECTIVE = "slo:objective:ratio"
SLO_ERROR_BUDGET = "slo:error_budget:ratio"
SLO_PERIOD_DAYS = "slo:time_period:days"
SLO_CURRENT_BURN_RATE = "slo:current_burn_rate:ratio"
SLO_PERIOD_BURN_RATE = "slo:period_burn_rate:ratio"
SLO_BUDGET_REMAINING = "slo:period_error_budget_remaining:ratio"
SLO_INFO = "sloth_slo_info"
SLO_METADATA = (
    SLO_OBJECTIVE,
    SLO_ERROR_BUDGET,
    SLO_PERIOD_DAYS,
    SLO_CURRENT_BURN_RATE,
    SLO_PERIOD_BURN_RATE,
    SLO_BUDGET_REMAINING,
    SLO_INFO,
)
LABEL_SLO_ID = "sloth_id"
LABEL_SLO_SERVICE = "sloth_service"
LABEL_SLO_NAME = "sloth_slo"
LABEL_SLO_WINDOW = "sloth_window"
LABEL_SLO_SEVERITY = "sloth_severity"
LABEL_EVENTS = "events"

LABEL_ALERT = "alertname"
LABEL_SERVICE = "service"
LABEL_SEVERITY = "severity"
LABEL_TIER = "tier"
LABEL_LONG = "long"
LABEL_SHORT = "short"
LABEL_RULE = "rule"
LABEL_REASON = "reason"
SEVERITIES = ("critical", "warning", "info")


def sli_record(window: str) -> str:
    """Return the recording rule name of an SLI over a window such as `5m`."""
    return f"{SLI_ERROR_RATIO}{window}"


def events_record(window: str) -> str:
    """Return the recording rule name of the rates of events over a window; the label `events` says bad or total."""
    return f"slo:sli_events:rate{window}"


def slo_panel_key(slo_id: str, aspect: str) -> str:
    """Return the panel key of an SLO's `sli` or `budget`; its burn rate is keyed by its alert name."""
    return f"{slo_id}/{aspect}"


def dashboard_uid(service: str) -> str:
    """Return the Grafana uid of a service's dashboard; Grafana's limit is 40 characters."""
    return service[:40]


def panel_id(key: str) -> int:
    """Return the stable Grafana panel id of a key (an alert or SLO name): deep links survive reordering."""
    return zlib.crc32(key.encode()) & 0x7FFFFFFF or 1


def runbook_path(alert: str, language: str = "en") -> str:
    """Return the repository path of an alert's runbook; file name = alert name."""
    return f"runbooks/{alert}.md" if language == "en" else f"runbooks/{alert}.{language}.md"
