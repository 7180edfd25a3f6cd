"""The variables that the processes of a stack see; pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from bongsu.stack.addresses import instances
from bongsu.stack.pids import HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bongsu.core.manifest import Manifest
    from bongsu.stack.home import Home
    from bongsu.stack.options import StackOptions

_NEUTRAL = frozenset(
    (
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "VIRTUAL_ENV",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    )
)
SOURCED_VARIABLE = "BONGSU_ENV_OF"
_LOOPBACK = "127.0.0.1,localhost"


def base_environment(environment: Mapping[str, str], home: Home, path: str, *, neutral: bool) -> dict[str, str]:
    """Return what every process inherits of the caller.

    `neutral` keeps an allow-list only: neither a `*_URL`, `PG*` or `DATABASE_*` variable nor a key nor a proxy setting
    passes. Otherwise all pass, and HTTP proxies are told to leave the loopback alone.
    """
    if neutral:
        kept = {name: value for name, value in environment.items() if name in _NEUTRAL or name.startswith("LC_")}
    else:
        kept = dict(environment)
        for name in ("NO_PROXY", "no_proxy"):
            kept[name] = ",".join(filter(None, (environment.get(name, ""), _LOOPBACK)))
    return kept | {"PATH": path, HOME_VARIABLE: home.identity, "PYTHONUNBUFFERED": "1"}


def system_settings(
    manifest: Manifest,
    urls: Mapping[str, str],
    secrets: Mapping[str, str],
    environment: Mapping[str, str],
    options: StackOptions,
) -> dict[str, str]:
    """Return the variables by which the system under care finds stores, upstreams, secrets and itself."""
    settings = {store.env: urls[store.name] for store in manifest.stores}
    settings |= {upstream.env: urls[upstream.name] for upstream in manifest.upstreams if upstream.name in urls}
    settings |= {secret.env: secrets[secret.name] for secret in manifest.secrets if secret.name in secrets}
    settings |= {
        process.url_env: urls[next(iter(instances(process)))] for process in manifest.processes if process.url_env
    }
    for name, seconds in manifest.compressible.items():
        given = "" if options.ignore_environment_urls else environment.get(name, "")
        value = (float(given) if _is_number(given) else seconds) / options.factor
        settings[name] = f"{value:.3f}".rstrip("0").rstrip(".")
    return settings | dict(options.extra_env)


def _is_number(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def env_file(settings: Mapping[str, str], home: Home, programs: str) -> str:
    """Return the text of a file that points a POSIX shell at the stack: `. HOME/env`.

    `programs` is the folder to put on PATH.
    """
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(settings.items())]
    return "\n".join([f"export {SOURCED_VARIABLE}={home.identity}", *lines, f"PATH={shlex.quote(programs)}:$PATH", ""])


def without_sourced(environment: Mapping[str, str], home: Home, env_text: str) -> dict[str, str]:
    """Return the caller's variables without those it has from this home's own env file.

    Otherwise a shell that sourced the file could not start the stack again: each address would look like the caller's
    choice of something that runs already.
    """
    if environment.get(SOURCED_VARIABLE) != home.identity:
        return dict(environment)
    own = {
        line.removeprefix("export ").partition("=")[0] for line in env_text.splitlines() if line.startswith("export ")
    }
    return {name: value for name, value in environment.items() if name not in own}
