"""`bongsu silence`: silence an alert in the running Alertmanager for a time and a reason; list and end silences."""

from __future__ import annotations

import difflib
import getpass
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from bongsu.alerts.silence import LONGEST, Silence, make_silence, parse_silence
from bongsu.cli.catalogue import load_catalogue
from bongsu.cli.route import read_labels
from bongsu.core.conventions import LABEL_ALERT
from bongsu.core.durations import format_duration, parse_duration
from bongsu.core.errors import StateError, UnreachableError, UsageError
from bongsu.stack.addresses import ALERTMANAGER
from bongsu.stack.home import DEFAULT, read_home
from bongsu.stack.state import read_state

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

NAME = "silence"
HELP = "silence an alert for a stated time and reason; --list shows what is silenced, --end ID ends it"
EXAMPLES = (
    "bongsu silence WalLag --for 2h --why 'moving repository b'",
    "bongsu silence DiskHigh instance=node-1 --for 30m --why 'growing the volume' --author minji",
    "bongsu silence --list",
    "bongsu silence --end 2c1f…",
)
_SECONDS = 10.0
_ID = re.compile(r"^[0-9a-fA-F-]{8,64}$")
_LONGEST_TEXT = 500


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("alert", nargs="?", help="name of an alert, for example WalLag")
    parser.add_argument("labels", nargs="*", metavar="LABEL=VALUE", help="silence only alerts with these labels")
    parser.add_argument("--for", dest="length", metavar="TIME", help=f"how long, at most {LONGEST.days}d")
    parser.add_argument("--why", help="the reason, for whoever wonders why it is quiet")
    parser.add_argument("--author", help="who silences (default: the user of this machine)")
    parser.add_argument("--list", action="store_true", help="list what is silenced")
    parser.add_argument("--end", metavar="ID", help="end a silence now")
    parser.add_argument("--alertmanager", metavar="URL", help="another Alertmanager than the one of the running stack")
    parser.add_argument("--home", type=Path, default=None, help=f"folder of the stack (default: ROOT/{DEFAULT})")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:  # noqa: ARG001 - the seam of all verbs
    """Do one of the three; 2 for a wrong command line, 3 when Alertmanager does not answer."""
    asked = sum((args.alert is not None, args.list, args.end is not None))
    if asked != 1:
        raise UsageError("name an alert, or pass --list, or --end ID", next="`bongsu silence --help` has examples")
    now = datetime.now(UTC)
    if args.list:
        for silence in list_silences(_url(args)):
            print(silence.said(now), file=out)
    elif args.end is not None:
        if not _ID.match(args.end):
            raise UsageError(f"{args.end!r} is no silence", next="`bongsu silence --list` prints the ids")
        _call("DELETE", f"{_url(args)}/api/v2/silence/{args.end}")
        print(f"ended {args.end}", file=out)
    else:
        body = _silence(args, now)
        answer = _call("POST", f"{_url(args)}/api/v2/silences", body)
        print(f"silenced {args.alert} until {body['endsAt'][:16]} UTC: {answer['silenceID']}", file=out)
        print(f"`bongsu silence --end {answer['silenceID']}` ends it", file=out)
    return 0


def list_silences(url: str) -> list[Silence]:
    """Return the silences that hold now or later, the soonest end first."""
    try:
        found = [parse_silence(one) for one in _call("GET", f"{url}/api/v2/silences")]
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"answers something else than silences ({error!r})", where=url) from error
    return sorted((one for one in found if one.state != "expired"), key=lambda one: (one.ends, one.id))


def _silence(args: argparse.Namespace, now: datetime) -> dict[str, Any]:
    known = sorted(load_catalogue(args.root).alert_spans())
    if args.alert not in known:
        near = difflib.get_close_matches(args.alert, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"alerts: {', '.join(known)}"
        raise UsageError(f"no alert {args.alert!r} is declared", next=hint)
    if not (args.why or "").strip() or len(args.why) > _LONGEST_TEXT:
        raise UsageError(
            f"a silence needs a reason of at most {_LONGEST_TEXT} characters",
            next="--why 'what you are doing': the next on-call reads it",
        )
    try:
        seconds = parse_duration(args.length or "")
    except ValueError as error:
        raise UsageError(f"--for: {error}", next="a silence always ends: write --for 2h") from error
    if not 0 < seconds <= LONGEST.total_seconds():
        longest = format_duration(LONGEST.total_seconds())
        raise UsageError(f"--for must be above 0 and at most {longest}", next="longer: a mute time in routes.yaml")
    labels = {LABEL_ALERT: args.alert, **read_labels(args.labels)}
    if labels[LABEL_ALERT] != args.alert:
        raise UsageError("two alerts at once", next="one silence, one alert: its name stands first")
    author = (args.author or getpass.getuser()).strip()
    return make_silence(labels, timedelta(seconds=seconds), why=args.why.strip(), author=author, now=now)


def _url(args: argparse.Namespace) -> str:
    if args.alertmanager:
        if not re.match(r"^https?://[^\s]+$", args.alertmanager):
            raise UsageError(f"{args.alertmanager!r} is no http address", next="write http://host:9093")
        return str(args.alertmanager).rstrip("/")
    path: Path = args.home or args.root / DEFAULT
    home = read_home(path) if path.exists() else None
    state = read_state(home) if home else None
    address = state.addresses.get(ALERTMANAGER) if state else None
    if not address:
        raise UnreachableError(
            "no stack runs here", where=str(path), next="`bongsu up` starts one, or pass --alertmanager URL"
        )
    return address.rstrip("/")


def _call(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    try:
        answer = httpx.request(method, url, json=body, timeout=_SECONDS)
    except httpx.HTTPError as error:
        raise UnreachableError(f"Alertmanager does not answer: {error}", where=url) from error
    if answer.is_error:
        raise StateError(f"Alertmanager refuses: {answer.status_code} {answer.text[:_LONGEST_TEXT].strip()}", where=url)
    try:
        return answer.json() if answer.content else None
    except ValueError as error:
        raise StateError("answers something else than JSON", where=url) from error
