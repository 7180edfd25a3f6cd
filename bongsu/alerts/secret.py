"""The Alertmanager configuration as the Secret that the Prometheus operator mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.core.emit import dump

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "bongsu-alertmanager"
_TEMPLATE = "templates/bongsu.tmpl"
_MOUNTED = "/etc/alertmanager/config/bongsu.tmpl"


def compile_secret(config_text: str, template_text: str, namespace: str, labels: Mapping[str, str]) -> str:
    """Return a Secret with the keys alertmanager.yaml and bongsu.tmpl; `spec.configSecret` names it (NAME).

    The operator mounts every key but the first under /etc/alertmanager/config, and a key cannot hold a slash: the
    configuration names its template there. It holds no secret itself; what it names under /etc/alertmanager/secrets is
    mounted by `spec.secrets` of the Alertmanager object. Source: prometheus-operator, user-guides/alerting.md.
    """
    if config_text.count(_TEMPLATE) != 1:
        raise ValueError(f"the configuration does not name {_TEMPLATE} exactly once")
    header, _, body = config_text.partition("\n")
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": NAME, "namespace": namespace, "labels": dict(labels)},
        "type": "Opaque",
        "stringData": {"alertmanager.yaml": body.replace(_TEMPLATE, _MOUNTED), "bongsu.tmpl": template_text},
    }
    return dump(manifest, header.removeprefix("# "))
