"""The command line of the research assistant.

Exit codes: 0 ok, 1 findings (a failed run, a wrong answer, an unreadable file), 2 usage, 3 component unreachable.
A verb's module is imported only when the verb is called: `provider switch` must not wait for chromadb's import.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bongsu.core.diagnostics import render
from bongsu.core.errors import BongsuError, SpecError
from bongsu.telemetry import logs
from research_assistant.imports import collector_paused

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
SERVERS = ("api", "worker")
CHATTY = ("httpx", "httpx2", "chromadb", "alembic")
"""Libraries that log every request or step at INFO."""

EXAMPLES = """\
examples:
  research-assistant ingest docs runbooks
  research-assistant ask "How does a fencing token stop a zombie worker?"
  research-assistant provider switch secondary
  research-assistant traffic --rate 2 --seconds 60
"""


def entry() -> None:
    """Run the console script."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run one verb and return its exit code; every known error becomes a sentence on standard error."""
    try:
        args = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        _set_up_logs(args.verb)
        module, _, function = args.target.partition(":")
        with collector_paused():
            imported = import_module(f"research_assistant.{module}")
        done = getattr(imported, function)(args)
        return int(asyncio.run(done) if asyncio.iscoroutine(done) else done)
    except SpecError as error:
        print(render(error.problems, {}), file=sys.stderr)
        return error.exit_code
    except BongsuError as error:
        print(f"research-assistant {args.verb}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED


def _set_up_logs(verb: str) -> None:
    """Log at the configured level (Settings complains about a wrong one); only servers tell what they do unasked.

    Raises UsageError for a level that the environment does not allow, whatever the verb.
    """
    level = os.environ.get("RESEARCH_ASSISTANT_LOG_LEVEL", "").strip().upper()
    known = level in logs.LEVELS
    if known:
        environment = os.environ.get("RESEARCH_ASSISTANT_ENVIRONMENT", "").strip().lower()
        logs.require_level(level, environment, "RESEARCH_ASSISTANT_LOG_LEVEL")
    logs.setup(level if known else ("INFO" if verb in SERVERS else "WARNING"))
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="research-assistant",
        description="Answer questions from own documents and the web, with citations that a program has checked.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_operator_verbs(verbs)
    _add_document_verbs(verbs)
    _add_client_verbs(verbs)
    _add_drill_verbs(verbs)
    return parser


def _add_operator_verbs(verbs: Any) -> None:
    api = _add(verbs, "api", "verbs.servers:api", "Serve the HTTP API on 127.0.0.1 until SIGTERM.")
    api.add_argument("--port", type=int, required=True, metavar="N")
    worker = _add(verbs, "worker", "verbs.servers:worker", "Run questions from the queue until SIGTERM.")
    worker.add_argument("--metrics-port", type=int, required=True, metavar="N")
    _add(verbs, "migrate", "verbs.migrate:run", "Bring the database to the schema this code needs.")

    text = "Delete what is older than its retention (RESEARCH_ASSISTANT_RETENTION_*_DAYS); workers do it by themselves."
    _add(verbs, "prune", "verbs.prune:run", text)

    keys = _group(verbs, "keys", "Manage the keys of the API.")
    add = _add(keys, "add", "verbs.keys:add", "Allow the key in a file to call the API; the name's earlier key ends.")
    add.add_argument("name")
    add.add_argument("--key-file", type=Path, required=True, metavar="F")
    add.add_argument("--tenant", metavar="T", help="whose data it opens (default: the key's own name)")
    text = "comma-separated: ask, read, documents, feedback, admin (default: all but admin)"
    add.add_argument("--scopes", type=lambda text: [part.strip() for part in text.split(",")], metavar="S", help=text)
    _add(keys, "list", "verbs.keys:show_all", "Print name, tenant and scopes of each key.")
    revoke = _add(keys, "revoke", "verbs.keys:revoke", "Forget a key: within a second the API refuses it.")
    revoke.add_argument("name")

    dead = _group(verbs, "dead", "Look at runs that failed for good, and take them back.")
    text = "Print dead letters, the newest first: id, when, priority, tries, kind, question."
    listed = _add(dead, "list", "verbs.dead:show_all", text)
    listed.add_argument("--kind", metavar="K", help="only those that failed with this kind")
    listed.add_argument("--limit", type=int, default=50, metavar="N", help="at most N of them (default: 50)")
    show = _add(dead, "show", "verbs.dead:show", "Print a run as JSON with its whole history.")
    show.add_argument("id")
    text = "Queue dead letters again: the same runs, tries counted anew, finished nodes kept."
    replay = _add(dead, "replay", "verbs.dead:replay", text)
    replay.add_argument("ids", nargs="*", metavar="ID")
    replay.add_argument("--kind", metavar="K", help="all that failed with this kind")
    _add(verbs, "cancel", "verbs.dead:cancel", "Cancel a run.").add_argument("id")

    _add_tenant_verbs(_group(verbs, "tenants", "Show or set the limits of a tenant."))
    provider = _group(verbs, "provider", "Show or switch the LLM endpoint in use.")
    _add(provider, "show", "verbs.provider:show", "Print the LLM endpoint in use.")
    switch = _add(provider, "switch", "verbs.provider:switch", "Send every LLM call from now on to this endpoint.")
    switch.add_argument("to", choices=("primary", "secondary"))


def _add_tenant_verbs(tenants: Any) -> None:
    _add(
        tenants,
        "list",
        "verbs.tenants:show_all",
        "Print the limits of each tenant that has its own (- is the default).",
    )
    text = "Give a tenant limits of its own; what is not given becomes the configured default again."
    limits = _add(tenants, "set", "verbs.tenants:set_limits", text)
    limits.add_argument("name")
    limits.add_argument("--requests-per-minute", type=int, metavar="N", help="changes it may ask for")
    limits.add_argument("--concurrency", type=int, metavar="N", help="runs of it that may be under way at once")


def _add_document_verbs(verbs: Any) -> None:
    text = "Store Markdown and text files (folders are searched); unchanged ones cost nothing."
    ingest = _add(verbs, "ingest", "verbs.documents:take_in", text)
    ingest.add_argument("paths", nargs="+", type=Path, metavar="PATH")

    documents = _group(verbs, "documents", "List or delete documents.")
    _add(documents, "list", "verbs.documents:show_all", "Print id, chunks, source and title of each document.")
    delete = _add(documents, "delete", "verbs.documents:delete", "Delete a document: from then on no answer uses it.")
    delete.add_argument("id")

    index = _group(verbs, "index", "Look after the vector index.")
    text = "Apply to Chroma what changed in PostgreSQL since the last time."
    _add(index, "roll-forward", "verbs.index:roll_forward", text)
    text = "Print how far the index was rolled forward, and the newest change."
    _add(index, "position", "verbs.index:position", text)
    text = "Compare every vector with PostgreSQL; exit 0 only when the index holds exactly what it should."
    audit = _add(index, "audit", "verbs.index:compare", text)
    audit.add_argument("--heal", action="store_true", help="repair what differs, then compare again")


def _add_client_verbs(verbs: Any) -> None:
    ask = _add(verbs, "ask", "ask:run", "Ask a question; exit 0 only for an answer with citations.")
    ask.add_argument("question")
    ask.add_argument("--json", action="store_true", help="print the run as the API shows it")
    probe = _add(verbs, "probe", "probe:run", "Ask the golden question and check the answer and its sources.")
    probe.add_argument("--all", action="store_true", help="ask every golden question")
    text = "Ask golden questions at a steady rate; one JSON line for each run that ended."
    traffic = _add(verbs, "traffic", "traffic:run", text)
    traffic.add_argument("--rate", type=float, required=True, metavar="R", help="runs per second")
    traffic.add_argument("--seconds", type=float, metavar="S", help="stop sending after S seconds (default: never)")


def _add_drill_verbs(verbs: Any) -> None:
    markers = _group(verbs, "markers", "Write numbered documents and find them again: what a drill measures loss by.")
    text = "Write markers until SIGTERM; one JSON line for each that is stored."
    write = _add(markers, "write", "markers.write:run", text)
    write.add_argument("--rate", type=float, required=True, metavar="R", help="markers per second")
    write.add_argument("--from", type=int, default=1, dest="first", metavar="N", help="the first number (default: 1)")
    read = _add(markers, "read", "markers.read:run", "Print which markers are intact in PostgreSQL and in the index.")
    ask = _add(markers, "ask", "markers.ask:run", "Ask for one marker; exit 0 only for an answer that cites it.")
    forget = _add(markers, "forget", "markers.forget:run", "Delete one marker, as if it had been lost.")
    for verb in (write, read, ask, forget):
        verb.add_argument("--series", required=True, metavar="S", help="1 to 40 of a-z, 0-9 and -")
    for verb in (ask, forget):
        verb.add_argument("--number", type=int, required=True, metavar="N")

    bulk = _add(
        verbs, "bulk", "bulk:run", "Fill both stores with documents and runs; the same seed writes the same ones."
    )
    bulk.add_argument("--bytes", type=int, required=True, metavar="N", help="on disk, both stores together")
    bulk.add_argument("--seed", type=int, required=True, metavar="S")


def _add(verbs: Any, name: str, target: str, text: str) -> argparse.ArgumentParser:
    """Add a verb that calls `target` (module:function below this package) with the parsed arguments."""
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    verb.set_defaults(target=target)
    return verb


def _group(verbs: Any, name: str, text: str) -> Any:
    return verbs.add_parser(name, help=text, description=text).add_subparsers(
        dest="sub_verb", required=True, metavar="VERB"
    )
