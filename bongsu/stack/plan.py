"""Everything a stack starts, in words that only the supervisor turns into processes; pure."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core.manifest import fill
from bongsu.stack import backups, monitoring
from bongsu.stack.addresses import (
    ALERTMANAGER,
    NODE,
    PROMETHEUS,
    RECEIVER,
    SMTP,
    WATCH,
    instances,
    proxy_name,
    shown,
    without_path,
)
from bongsu.stack.endpoints import slack_url_file
from bongsu.stack.environment import base_environment, env_file, system_settings
from bongsu.stack.ports import HOST
from bongsu.stack.postgres import server_argv
from bongsu.stack.ready import HttpReady, PostgresReady, Ready, TcpReady
from bongsu.stack.specs import DRAIN_SECONDS, SETUP, STOP_SECONDS, Plan, ProcessSpec, Site, TaskSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bongsu.core.manifest import Process, Store, Upstream

_RETENTION_TIME, _RETENTION_SIZE = "15d", "2GB"


def make_plan(site: Site, compiled: Mapping[str, str]) -> Plan:
    """Return the plan of a site and its compiled rules."""
    monitoring.require_compiled(compiled)
    neutral = base_environment(site.environment, site.home, site.tools.path, neutral=True)
    stores = [_store(site, store, neutral) for store in site.manifest.stores if store.name in site.ports]
    upstreams = [spec for upstream in site.manifest.upstreams for spec in _upstream(site, upstream, neutral)]
    settings = system_settings(site.manifest, site.urls, site.secrets, site.environment, site.options)
    hidden = site.options.ignore_environment_urls
    env = base_environment(site.environment, site.home, site.tools.path, neutral=hidden) | settings
    before = tuple(spec.name for spec in (*stores, *upstreams))
    system = [spec for process in site.manifest.processes for spec in _process(site, process, env)]
    names = [spec.name for spec in system]
    keepers = list(backups.processes(site, env, names)) if backups.wanted(site) else []
    return Plan(
        processes=(*stores, *upstreams, *_watchers(site, neutral), *_watch(site, neutral), *system, *keepers),
        setup=(
            *backups.setup(site, neutral),
            *(
                TaskSpec(f"{SETUP}-{number}", _fill(site, argv), env, site.root, site.home.log / f"{SETUP}.log")
                for number, argv in enumerate(site.manifest.setup, 1)
            ),
        ),
        setup_depends=before,
        files=_files(site, compiled)
        | {site.home.env: env_file(settings, site.home, str(Path(site.tools.python).parent))},
        urls=site.urls,
        env=env,
    )


def _fill(site: Site, argv: tuple[str, ...], **values: str) -> tuple[str, ...]:
    secrets = {f"secret:{name}": path for name, path in site.secrets.items()}
    return tuple(fill(part, {**secrets, **values}) for part in argv)


def _log(site: Site, name: str) -> Path:
    return site.home.log / f"{name}.log"


def _store(site: Site, store: Store, env: Mapping[str, str]) -> ProcessSpec:
    port = site.ports[store.name]
    folder = site.home.data / store.name
    if store.kind == "postgresql":
        return ProcessSpec(
            name=store.name,
            argv=server_argv(site.tools.postgres, folder, port),
            env=env,
            cwd=site.home.path,
            log=_log(site, store.name),
            ready=PostgresReady(site.urls[store.name]),
            port=port,
            prefix=site.tools.unprivileged,
            stop_signal=signal.SIGINT,  # fast shutdown: sessions end, data is flushed
            grace=2 * STOP_SECONDS,
        )
    return ProcessSpec(
        name=store.name,
        argv=(site.tools.programs["chroma"], "run", "--path", str(folder), "--host", HOST, "--port", str(port)),
        env={**env, "ANONYMIZED_TELEMETRY": "False", "NO_COLOR": "1"},
        cwd=site.home.path,
        log=_log(site, store.name),
        ready=HttpReady(f"{site.urls[store.name]}/api/v2/heartbeat"),
        port=port,
    )


def _upstream(site: Site, upstream: Upstream, env: Mapping[str, str]) -> Iterator[ProcessSpec]:
    if upstream.name in site.ports:
        extra = {
            "provider": ("--name", upstream.name.removeprefix("llm-")),
            "search": ("--corpus", str(site.root / upstream.corpus)),
        }
        yield _local(site, upstream.name, f"bongsu.local.{upstream.stand_in}", extra[upstream.stand_in], env)
    proxy = proxy_name(upstream.name)
    if proxy in site.ports:
        port = site.ports[proxy]
        argv = ["--listen", str(port), "--upstream", without_path(site.urls[f"{upstream.name}.origin"])]
        argv += ["--socket", site.urls[f"{upstream.name}.socket"], "--ledger", site.urls[f"{upstream.name}.ledger"]]
        argv += ["--pass-through"] if site.options.pass_through else []
        yield ProcessSpec(
            name=proxy,
            argv=(site.tools.python, "-m", "bongsu.chaos.proxy", *argv),
            env=env,
            cwd=site.root,
            log=_log(site, proxy),
            ready=TcpReady(HOST, port),  # a request would pass through to the upstream
            port=port,
            depends=(upstream.name,) if upstream.name in site.ports else (),
        )


def _local(site: Site, name: str, module: str, extra: tuple[str, ...], env: Mapping[str, str]) -> ProcessSpec:
    port = site.ports[name]
    return ProcessSpec(
        name=name,
        argv=(site.tools.python, "-m", module, "--port", str(port), *extra),
        env=env,
        cwd=site.root,
        log=_log(site, name),
        ready=HttpReady(f"http://{HOST}:{port}/healthz"),
        port=port,
    )


def _watchers(site: Site, env: Mapping[str, str]) -> Iterator[ProcessSpec]:
    drops = tuple(part for channel in site.options.receiver_drop for part in ("--drop", channel))
    folder = ("--smtp-port", str(site.ports[SMTP]), "--folder", str(site.home.path / RECEIVER))
    yield _local(site, RECEIVER, "bongsu.local.receiver", (*folder, *drops), env)
    listen = f"--web.listen-address={HOST}:"
    own = site.home.path / ALERTMANAGER
    yield _watcher(
        site,
        ALERTMANAGER,
        (
            site.tools.programs["alertmanager"],
            f"--config.file={site.home.path / monitoring.ALERTMANAGER_FILE}",
            f"--storage.path={own / 'data'}",
            f"{listen}{site.ports[ALERTMANAGER]}",
            "--cluster.listen-address=",  # one instance: no gossip port
        ),
        HttpReady(f"{site.urls[ALERTMANAGER]}/-/ready"),
        env,
        depends=(RECEIVER,),
    )
    own = site.home.path / PROMETHEUS
    yield _watcher(
        site,
        PROMETHEUS,
        (
            site.tools.programs["prometheus"],
            f"--config.file={own / 'prometheus.yml'}",
            f"--storage.tsdb.path={own / 'data'}",
            f"--storage.tsdb.retention.time={_RETENTION_TIME}",
            f"--storage.tsdb.retention.size={_RETENTION_SIZE}",
            "--enable-feature=exemplar-storage",
            f"{listen}{site.ports[PROMETHEUS]}",
            "--rules.alert.resend-delay=5s",
        ),
        # An alert that fires before Prometheus has discovered Alertmanager is lost for a minute (prometheus#10457).
        HttpReady(f"{site.urls[PROMETHEUS]}/metrics", "prometheus_notifications_alertmanagers_discovered"),
        env,
        depends=(ALERTMANAGER,),
    )
    yield _watcher(
        site,
        NODE,
        (site.tools.programs["node-exporter"], f"{listen}{site.ports[NODE]}"),
        HttpReady(f"{site.urls[NODE]}/metrics"),
        env,
    )


def _watch(site: Site, env: Mapping[str, str]) -> Iterator[ProcessSpec]:
    """Yield the watcher of the watchers. Here one receiver stands for every channel: when it is dead, the log tells."""
    if WATCH not in site.ports:
        return
    port, urls = site.ports[WATCH], site.urls
    argv = ["--port", str(port), "--prometheus", urls[PROMETHEUS], "--alertmanager", urls[ALERTMANAGER]]
    argv += ["--receiver", f"{urls[RECEIVER]}/healthz", "--tell", f"{urls[RECEIVER]}/slack"]
    yield ProcessSpec(
        name=WATCH,
        argv=(site.tools.python, "-m", "bongsu.cli.main", "--root", str(site.root), "watch", *argv),
        env=env,
        cwd=site.root,
        log=_log(site, WATCH),
        ready=HttpReady(f"http://{HOST}:{port}/healthz"),
        port=port,
        depends=(PROMETHEUS, ALERTMANAGER, RECEIVER),
    )


def _watcher(
    site: Site, name: str, argv: tuple[str, ...], ready: Ready, env: Mapping[str, str], *, depends: tuple[str, ...] = ()
) -> ProcessSpec:
    return ProcessSpec(name, argv, env, site.home.path, _log(site, name), ready, site.ports[name], depends)


def _process(site: Site, process: Process, env: Mapping[str, str]) -> Iterator[ProcessSpec]:
    for name in instances(process):
        port = site.ports[name]
        yield ProcessSpec(
            name=name,
            argv=_fill(site, process.command, port=str(port), metrics_port=str(port)),
            env=env,
            cwd=site.root,
            log=_log(site, name),
            ready=HttpReady(site.urls[name] + process.ready),
            port=port,
            depends=(SETUP,),
            stop_signal=signal.Signals[process.drain],
            grace=DRAIN_SECONDS,
        )


def _files(site: Site, compiled: Mapping[str, str]) -> dict[Path, str]:
    rules = monitoring.rule_files(compiled)
    config = monitoring.prometheus_config(
        site.manifest,
        site.ports,
        [str(site.home.path / path) for path in rules],
        site.options.scrape_seconds,
        watch_machine=site.options.watch_machine,
    )
    wanted = [path for path in compiled if path in rules or path.startswith(f"{ALERTMANAGER}/")]
    return {
        **{site.home.path / path: compiled[path] for path in wanted},
        site.home.path / PROMETHEUS / "prometheus.yml": config,
        slack_url_file(site.home): f"{site.urls[RECEIVER]}/slack",
    }


def public_addresses(urls: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses without passwords and without the fault proxies' files."""
    return {name: shown(url) for name, url in urls.items() if "." not in name}
