"""How a stack differs from the plain one: time factor, fault proxies, planted defects, which variables count."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class StackOptions:
    """Settings of one stack.

    `factor` divides every variable under the manifest's `compressible`; `scrape_seconds` is the scrape and the
    evaluation interval. `proxy_upstreams` names the upstreams with a fault proxy in front; `pass_through` and
    `receiver_drop` plant defects. `ignore_environment_urls` hands children an allow-list of the caller's variables
    only, so that no `*_URL` of the caller can be touched. `die_with_parent` (Linux) kills every process when the
    supervisor dies, even by kill -9; without it `bongsu down` finds them by the home's identity. `watch_machine`
    scrapes the node exporter: a proof, which does not own the machine it runs on, leaves it out (docs/adr/0007).
    `backups` ships the log and takes backups where the manifest asks for them. `watch` runs the watcher of the
    watchers; a proof looks at every part itself, and its gate wants nothing to fire.
    """

    factor: float = 1.0
    scrape_seconds: float = 5.0
    proxy_upstreams: tuple[str, ...] = ()
    pass_through: bool = False
    receiver_drop: tuple[str, ...] = ()
    ignore_environment_urls: bool = False
    extra_env: Mapping[str, str] = field(default_factory=dict)
    die_with_parent: bool = True
    watch_machine: bool = True
    backups: bool = True
    watch: bool = True
