"""A small system as a plan sees it, for the tests of the pure half of the stack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.core.manifest import Manifest, parse_manifest
from bongsu.stack.addresses import addresses, default_ports
from bongsu.stack.home import Home
from bongsu.stack.options import StackOptions
from bongsu.stack.specs import Site, Tools

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT = """\
apiVersion: bongsu/v1
service: demo
stores:
  - {name: postgres, kind: postgresql, env: DATABASE_URL}
  - {name: chroma, kind: chroma, env: CHROMA_URL}
upstreams:
  - {name: llm-primary, env: OPENAI_BASE_URL, path: /v1, stand_in: provider}
  - {name: llm-secondary, env: OPENAI_SECONDARY_BASE_URL, path: /v1, stand_in: provider}
  - {name: search, env: SEARCH_URL, stand_in: search, corpus: web}
secrets:
  - {name: api-key, env: DEMO_KEY_FILE}
setup:
  - [demo, migrate]
  - [demo, keys, "{secret:api-key}"]
processes:
  - {name: api, command: [demo, api, "{port}"], port: 8700, url_env: DEMO_URL, ready: /readyz, metrics: /metrics}
  - name: worker
    command: [demo, worker, "{port}"]
    replicas: 2
    port: 8701
    ready: /healthz
    metrics: /m
    drain: SIGINT
traffic: {command: [demo, traffic]}
probe: {command: [demo, probe]}
compressible: {DEMO_DAY_SECONDS: 86400}
"""
HOME = Home(Path("/home/of/stack"), "stack", "6a5b0a53-6a0e-4a6c-8f9e-0d5f7c1c2b3a")
RULES = "prometheus/demo.rules.yml"
COMPILED = {RULES: "groups: []\n", "alertmanager/alertmanager.yml": "route: {}\n", "grafana/board.json": "{}"}
PASSWORD = "secret-of-postgres"


def manifest() -> Manifest:
    found, problems = parse_manifest(TEXT)
    assert found is not None, problems
    return found


def make_site(environment: Mapping[str, str] | None = None, **options: object) -> Site:
    """Return the site of the demo system for a caller's environment and options."""
    caller = {"PATH": "/usr/bin", **(environment or {})}
    settings = replace(StackOptions(), **options)  # type: ignore[arg-type]  # the test names the fields
    ports = default_ports(manifest(), caller, settings)
    return Site(
        manifest=manifest(),
        root=Path("/repository"),
        home=HOME,
        ports=ports,
        urls=addresses(manifest(), HOME, ports, caller, settings, password=PASSWORD),
        environment=caller,
        options=settings,
        tools=Tools(
            python="/venv/bin/python",
            programs={name: f"/bin/{name}" for name in ("prometheus", "alertmanager", "node-exporter", "chroma")},
            path="/venv/bin:/usr/bin",
            postgres="/pg/bin/postgres",
            unprivileged=("unshare", "--user"),
        ),
        secrets={"api-key": "/home/of/stack/secrets/api-key"},
    )
