"""A running stack as one context: everything is up inside, nothing is left outside."""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.core import generations
from bongsu.core.artefacts import write_file
from bongsu.recovery.configuration import REPOSITORY_KEY
from bongsu.stack import binaries, postgres
from bongsu.stack.addresses import BACKUPS, SUPERVISOR, addresses, default_ports
from bongsu.stack.backups import WAL_FOLDER
from bongsu.stack.child import Finished, run_command
from bongsu.stack.endpoints import ROUTING_KEY, local_endpoints
from bongsu.stack.environment import without_sourced
from bongsu.stack.exporter import Exporter, Proved
from bongsu.stack.home import PROOF, lock
from bongsu.stack.plan import make_plan
from bongsu.stack.ports import free_ports, refuse_busy
from bongsu.stack.secretfiles import ensure_secret
from bongsu.stack.specs import Site, Tools
from bongsu.stack.stop import stop_leftovers
from bongsu.stack.supervisor import Step, Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from bongsu.alerts.model import Endpoints
    from bongsu.core.manifest import Manifest
    from bongsu.stack.home import Home
    from bongsu.stack.options import StackOptions
    from bongsu.stack.state import ProcessState

PASSWORD = "postgres-password"  # noqa: S105 - the name of the file, not a password


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that is up.

    `urls`: see `addresses.addresses`. `env` is what commands of the manifest (actions, traffic, probe) run with: no
    path to a fault proxy's socket is in it.
    """

    manifest: Manifest
    root: Path
    home: Home
    urls: Mapping[str, str]
    env: Mapping[str, str]
    supervisor: Supervisor

    def processes(self) -> tuple[ProcessState, ...]:
        """Return every process in the order of the plan."""
        return self.supervisor.processes()

    async def command(self, argv: Sequence[str], seconds: float) -> Finished:
        """Run a command of the manifest to its end."""
        return await run_command(argv, self.env, self.root, seconds)


def _silent(_: Step) -> None:
    pass


@asynccontextmanager
async def running_stack(
    manifest: Manifest,
    root: Path,
    home: Home,
    options: StackOptions,
    compiled: Callable[[Endpoints], Mapping[str, str]],
    *,
    environment: Mapping[str, str] | None = None,
    port_base: int | None = None,
    report: Callable[[Step], None] = _silent,
    proved: Callable[[], Proved] = Proved,
) -> AsyncIterator[Stack]:
    """Start a stack in `home`, yield it when all is ready, stop all of it whatever happens.

    `compiled` maps where notifications go to the rendered tree (`prometheus/*.rules.yml`, `alertmanager/...`). A home
    of the kind `proof` takes ports from the operating system, a `stack` the manifest's (moved to `port_base`).
    Errors name the process and end with the tail of its log.
    """
    environment = os.environ if environment is None else environment
    with lock(home):
        if home.env.is_file():
            environment = without_sourced(environment, home, home.env.read_text(encoding="utf-8"))
        await stop_leftovers(home, report)
        ports = default_ports(manifest, environment, options, port_base)
        ports = free_ports(ports) if home.kind == PROOF else ports
        refuse_busy(ports)
        site = _site(manifest, root, home, ports, environment=environment, options=options)
        plan = make_plan(site, compiled(local_endpoints(site.urls, home)))
        for file, text in plan.files.items():
            write_file(file, text, 0o600)
        exporter = Exporter((spec.name for spec in plan.processes), proved)
        exporter.serve(ports[SUPERVISOR])
        try:
            supervisor = Supervisor(plan, home, exporter, report, die_with_parent=options.die_with_parent)
            try:
                await supervisor.start()
                yield Stack(manifest, root, home, plan.urls, plan.env, supervisor)
            finally:
                await supervisor.stop()
        finally:
            exporter.close()


def _site(
    manifest: Manifest,
    root: Path,
    home: Home,
    ports: Mapping[str, int],
    *,
    environment: Mapping[str, str],
    options: StackOptions,
) -> Site:
    """Find the programs, make secrets and the data folder; return all that the plan is made of.

    Blocks for the second that initdb takes: nothing else runs yet, and nothing of it can be left half done.
    """
    path = binaries.search_path(environment)
    own = [store for store in manifest.stores if store.name in ports]
    wanted = ["prometheus", "alertmanager", "node-exporter", *("chroma" for store in own if store.kind == "chroma")]
    wanted += ["restic"] if BACKUPS in ports else []
    programs = binaries.find_programs(wanted, path)
    password_file = ensure_secret(home.secrets, PASSWORD)
    ensure_secret(home.secrets, ROUTING_KEY)
    tools = Tools(sys.executable, programs, path)
    generations.ensure(home.path, [store.name for store in own])
    for store in own:
        if store.kind == "postgresql":
            folder, prefix = postgres.find_binaries(environment), postgres.unprivileged()
            postgres.prepare(home.data / store.name, folder, prefix, password_file)
            tools = Tools(sys.executable, programs, path, str(folder / "postgres"), prefix)
    if BACKUPS in ports and manifest.backups is not None:
        (home.spool / WAL_FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
        for repository in manifest.backups.repositories:
            ensure_secret(home.secrets, f"{REPOSITORY_KEY}{repository.name}")
    password = password_file.read_text(encoding="ascii")
    return Site(
        manifest=manifest,
        root=root,
        home=home,
        ports=ports,
        urls=addresses(manifest, home, ports, environment, options, password=password),
        environment=environment,
        options=options,
        tools=tools,
        secrets=_secrets(manifest, home, environment, options),
    )


def _secrets(manifest: Manifest, home: Home, environment: Mapping[str, str], options: StackOptions) -> dict[str, str]:
    """Return each secret's file: the caller's where its variable names one, else our own; none with `unless` set."""
    given = {} if options.ignore_environment_urls else environment
    return {
        secret.name: given.get(secret.env) or str(ensure_secret(home.secrets, secret.name))
        for secret in manifest.secrets
        if not (secret.unless and given.get(secret.unless))
    }
