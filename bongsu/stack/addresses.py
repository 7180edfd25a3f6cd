"""Which processes of its own a stack needs, and where everything answers; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from bongsu.core.errors import UsageError
from bongsu.stack.ports import HIGHEST, HOST

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from bongsu.core.manifest import Manifest, Process
    from bongsu.stack.home import Home
    from bongsu.stack.options import StackOptions

PROMETHEUS, ALERTMANAGER, NODE, RECEIVER, SMTP, SUPERVISOR, BACKUPS, WATCH = (
    "prometheus",
    "alertmanager",
    "node",
    "receiver",
    "receiver-smtp",
    "supervisor",
    "backups",
    "watch",
)
# Offsets from the lowest port of the manifest's processes; 90 and 93 as everybody knows them from 9090 and 9093.
_OFFSETS = {RECEIVER: 50, SMTP: 51, SUPERVISOR: 60, PROMETHEUS: 90, ALERTMANAGER: 93, NODE: 100}
_STORES, _UPSTREAMS, _BACKUPS, _WATCH, _PROXIES = 30, 40, 61, 62, 70


def starts_own(env: str, environment: Mapping[str, str], options: StackOptions) -> bool:
    """Tell whether the stack starts its own, because the variable is empty or must not count."""
    return options.ignore_environment_urls or not environment.get(env)


def keeps_backups(manifest: Manifest, own: Container[str], options: StackOptions) -> bool:
    """Tell whether the stack takes backups: of the PostgreSQL that it runs itself, where the manifest says where to."""
    databases = [store.name for store in manifest.stores if store.kind == "postgresql"]
    return options.backups and manifest.backups is not None and any(name in own for name in databases)


def proxy_name(upstream: str) -> str:
    """Return the name of the fault proxy in front of an upstream."""
    return f"{upstream}-proxy"


def instances(process: Process) -> Iterator[str]:
    """Yield the name of each replica: `api`, or `worker-1`, `worker-2`."""
    if process.replicas == 1:
        yield process.name
    else:
        yield from (f"{process.name}-{number}" for number in range(1, process.replicas + 1))


def default_ports(
    manifest: Manifest, environment: Mapping[str, str], options: StackOptions, base: int | None = None
) -> dict[str, int]:
    """Return name to port for everything the stack listens on; `base` moves the whole range."""
    lowest = min(process.port for process in manifest.processes)
    start = lowest if base is None else base
    ports = {
        name: start + process.port - lowest + number
        for process in manifest.processes
        for number, name in enumerate(instances(process))
    }
    ports |= {
        store.name: start + _STORES + number
        for number, store in enumerate(manifest.stores)
        if starts_own(store.env, environment, options)
    }
    ports |= {
        upstream.name: start + _UPSTREAMS + number
        for number, upstream in enumerate(manifest.upstreams)
        if upstream.stand_in and starts_own(upstream.env, environment, options)
    }
    for number, name in enumerate(options.proxy_upstreams):
        if name not in {upstream.name for upstream in manifest.upstreams}:
            raise UsageError(f"no upstream {name!r} in the manifest", next="name one of `upstreams:`")
        ports[proxy_name(name)] = start + _PROXIES + number
    own = {name: start + offset for name, offset in _OFFSETS.items()}
    if keeps_backups(manifest, ports, options):
        own[BACKUPS] = start + _BACKUPS
    if options.watch:
        own[WATCH] = start + _WATCH
    clashes = sorted(name for name in own if name in ports)
    if clashes:
        raise UsageError(f"the manifest uses names of the stack: {', '.join(clashes)}", next="rename them")
    ports |= own
    _refuse_wrong(ports)
    return ports


def _refuse_wrong(ports: Mapping[str, int]) -> None:
    for name, port in ports.items():
        others = sorted(other for other, taken in ports.items() if taken == port and other != name)
        if others:
            raise UsageError(f"port {port} would be both {name}'s and {others[0]}'s", next="move it in the manifest")
        if not 0 < port <= HIGHEST:
            raise UsageError(f"port {port} ({name}) does not exist", next="choose a lower --port-base")


def addresses(
    manifest: Manifest,
    home: Home,
    ports: Mapping[str, int],
    environment: Mapping[str, str],
    options: StackOptions,
    *,
    password: str,
) -> dict[str, str]:
    """Return where everything answers.

    Keys: the names of stores (DSN or URL), of upstreams (as the system calls them: through the fault proxy when there
    is one), of the manifest's process instances, and prometheus, alertmanager, node, receiver, receiver-smtp
    (host:port), supervisor, backups and watch. `UPSTREAM.origin` is the upstream without the proxy,
    `UPSTREAM.socket` and `UPSTREAM.ledger` are the proxy's files.
    """
    urls = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
    urls[SMTP] = f"{HOST}:{ports[SMTP]}"
    for store in manifest.stores:
        if store.name not in ports:
            urls[store.name] = environment[store.env]
        elif store.kind == "postgresql":
            urls[store.name] = f"postgresql://bongsu:{password}@{HOST}:{ports[store.name]}/postgres"
    for upstream in manifest.upstreams:
        own = upstream.name in ports
        origin = urls[upstream.name] + upstream.path if own else environment.get(upstream.env, "")
        if not origin:
            continue
        urls[f"{upstream.name}.origin"] = urls[upstream.name] = origin
        if upstream.name in options.proxy_upstreams:
            urls[upstream.name] = urls[proxy_name(upstream.name)] + urlsplit(origin).path
            urls[f"{upstream.name}.socket"] = str(home.run / f"fault-{upstream.name}.sock")
            urls[f"{upstream.name}.ledger"] = str(home.ledger / f"{upstream.name}.jsonl")
    return urls


def without_path(url: str) -> str:
    """Return scheme and host of a URL: what a proxy forwards to."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))


def shown(url: str) -> str:
    """Return a URL without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"{parts.username}@{host}", parts.path, "", ""))
