"""A secret in routes.yaml is a secret in git, in the compiled output and in every backup of both."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

from bongsu.core.diagnostics import Problem, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bongsu.alerts.model import Routes
    from bongsu.checks.model import Catalogue

CODE = "route/secret"
SEVERITY = Severity.ERROR

_SECRET_URL = re.compile(
    r"^[a-z]+://[^/?#]*:[^/?#]*@"  # user:password@host
    r"|^https://hooks\.slack\.com/(?:services|workflows)/"
    r"|[?&](?:[a-z_-]*token|api_?key|key|secret|sig|signature|password)=",
    re.IGNORECASE,
)
_FILE = "_file"


def find(catalogue: Catalogue) -> Iterator[Problem]:
    """Yield each endpoint that holds a secret: in its URL, or where the path of a file belongs."""
    routes = catalogue.alerts.routes
    if routes is None:
        return
    for key, value in _values(routes):
        if key.endswith(_FILE) and value and not value.startswith("/"):
            what = f"{key} is no absolute path: it looks like the secret itself"
        elif _SECRET_URL.search(value):
            what = f"{key} holds a secret in its address"
        else:
            continue
        yield Problem(
            CODE,
            SEVERITY,
            _place(catalogue.sources.get(routes.file, ""), routes.file, value),
            what,
            "it would be committed and compiled into deploy/rendered",
            "change the secret, write it to a file that only Alertmanager reads, and name the file "
            "(webhooks: `credentials_file`)",
            quoted=False,
        )


def _values(routes: Routes) -> Iterator[tuple[str, str]]:
    for item in fields(routes.endpoints):
        value = getattr(routes.endpoints, item.name)
        if isinstance(value, str):
            yield item.name, value
    yield from routes.endpoints.webhooks.items()
    for name, value in routes.endpoints.webhook_credentials_files.items():
        yield f"{name}.credentials{_FILE}", value
    for receiver, own in routes.overrides.items():
        for key, value in own.items():
            yield f"{receiver}.{key}", value


def _place(text: str, file: str, value: str) -> Span:
    """Return where the value stands; the first time it does."""
    for number, line in enumerate(text.splitlines(), start=1):
        if value in line:
            return Span(file, number, line.index(value) + 1, len(value))
    return Span(file)
