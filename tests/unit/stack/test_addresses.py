from __future__ import annotations

import pytest

from bongsu.core.errors import UsageError
from bongsu.core.manifest import parse_manifest
from bongsu.stack.addresses import default_ports, shown
from bongsu.stack.options import StackOptions
from tests.unit.stack.sites import PASSWORD, TEXT, make_site, manifest


def test_the_manifests_ports_are_the_default_and_a_base_moves_them_all() -> None:
    here = default_ports(manifest(), {}, StackOptions())
    there = default_ports(manifest(), {}, StackOptions(), 18700)
    assert (here["api"], here["worker-1"], here["worker-2"], here["prometheus"]) == (8700, 8701, 8702, 8790)
    assert {name: port - 10000 for name, port in there.items()} == here


def test_what_the_environment_names_gets_no_port_and_keeps_its_address() -> None:
    site = make_site({"DATABASE_URL": "postgresql://u@db/x", "OPENAI_BASE_URL": "https://llm.example/v1"})
    assert not {"postgres", "llm-primary"} & set(site.ports)
    assert (site.urls["postgres"], site.urls["llm-primary"]) == ("postgresql://u@db/x", "https://llm.example/v1")


def test_an_empty_variable_counts_as_none() -> None:
    assert "postgres" in make_site({"DATABASE_URL": ""}).ports


def test_a_fenced_stack_starts_its_own_whatever_the_environment_says() -> None:
    site = make_site({"DATABASE_URL": "postgresql://u@db/x", "SEARCH_URL": "http://s"}, ignore_environment_urls=True)
    assert site.urls["postgres"] == f"postgresql://bongsu:{PASSWORD}@127.0.0.1:8730/postgres"
    assert site.urls["search"] == "http://127.0.0.1:8742"


def test_a_proxied_upstream_is_called_through_the_proxy_and_keeps_its_path() -> None:
    urls = make_site(proxy_upstreams=("llm-primary",)).urls
    assert urls["llm-primary"] == "http://127.0.0.1:8770/v1"
    assert urls["llm-primary.origin"] == "http://127.0.0.1:8740/v1"
    assert urls["llm-primary.socket"] == "/home/of/stack/run/fault-llm-primary.sock"
    assert urls["llm-primary.ledger"] == "/home/of/stack/ledger/llm-primary.jsonl"
    assert "llm-secondary.socket" not in urls


def test_a_proxy_in_front_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="no upstream 'nowhere'"):
        make_site(proxy_upstreams=("nowhere",))


def test_a_process_with_a_name_of_the_stack_is_refused() -> None:
    clash, _ = parse_manifest(TEXT.replace("name: worker", "name: prometheus").replace("    replicas: 2\n", ""))
    assert clash is not None
    with pytest.raises(UsageError, match="names of the stack: prometheus"):
        default_ports(clash, {}, StackOptions())


def test_two_claims_on_one_port_are_named() -> None:
    clash, _ = parse_manifest(TEXT.replace("port: 8701", "port: 8790"))
    assert clash is not None
    with pytest.raises(UsageError, match="port 8790 would be both"):
        default_ports(clash, {}, StackOptions())


def test_a_base_beyond_the_last_port_is_refused() -> None:
    with pytest.raises(UsageError, match="does not exist"):
        default_ports(manifest(), {}, StackOptions(), 65500)


def test_a_password_is_never_shown() -> None:
    assert shown("postgresql://bongsu:hush@127.0.0.1:8730/postgres") == "postgresql://bongsu@127.0.0.1:8730/postgres"
    assert shown("http://127.0.0.1:8700") == "http://127.0.0.1:8700"
