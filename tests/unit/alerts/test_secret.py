from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bongsu.alerts.alertmanager import compile_alertmanager, compile_template
from bongsu.alerts.load import load
from bongsu.alerts.secret import compile_secret

FILE = "alerts/routes.yaml"
TEXT = (Path(__file__).parents[3] / FILE).read_text(encoding="utf-8")


def test_the_secret_holds_the_configuration_and_the_template_it_names() -> None:
    routes = load({FILE: TEXT})[0].routes
    assert routes is not None
    config, template = compile_alertmanager(routes, routes.endpoints), compile_template(FILE)
    text = compile_secret(config, template, "monitoring", {"release": "monitoring"})
    assert text.startswith("# DO NOT EDIT: compiled by `bongsu compile` from alerts/routes.yaml")
    secret = yaml.safe_load(text)
    assert secret["kind"] == "Secret"
    assert secret["metadata"] == {
        "name": "bongsu-alertmanager",
        "namespace": "monitoring",
        "labels": {"release": "monitoring"},
    }
    assert secret["stringData"]["bongsu.tmpl"] == template
    inside = yaml.safe_load(secret["stringData"]["alertmanager.yaml"])
    assert inside.pop("templates") == ["/etc/alertmanager/config/bongsu.tmpl"]
    outside = yaml.safe_load(config)
    outside.pop("templates")
    assert inside == outside


def test_a_configuration_without_our_template_is_refused() -> None:
    with pytest.raises(ValueError, match="does not name"):
        compile_secret("route: {}\n", "", "x", {})
