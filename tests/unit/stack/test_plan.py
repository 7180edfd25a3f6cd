from __future__ import annotations

import signal
from dataclasses import replace

import pytest
import yaml

from bongsu.core.errors import StateError
from bongsu.stack.plan import make_plan, public_addresses
from bongsu.stack.ready import HttpReady, PostgresReady, TcpReady
from bongsu.stack.specs import SETUP, Plan, ProcessSpec
from tests.unit.stack.sites import COMPILED, HOME, PASSWORD, RULES, make_site


def plan_of(**options: object) -> Plan:
    return make_plan(make_site(**options), COMPILED)  # type: ignore[arg-type]  # the test names the fields


def spec(plan: Plan, name: str) -> ProcessSpec:
    return next(process for process in plan.processes if process.name == name)


def test_the_system_waits_for_the_setup_and_the_setup_for_stores_and_upstreams() -> None:
    plan = plan_of()
    assert spec(plan, "api").depends == (SETUP,)
    assert plan.setup_depends == ("postgres", "chroma", "llm-primary", "llm-secondary", "search")
    assert [task.argv for task in plan.setup] == [
        ("demo", "migrate"),
        ("demo", "keys", "/home/of/stack/secrets/api-key"),
    ]


def test_each_replica_gets_its_own_port_name_and_log() -> None:
    first, second = spec(plan_of(), "worker-1"), spec(plan_of(), "worker-2")
    assert (first.argv, second.argv) == (("demo", "worker", "8701"), ("demo", "worker", "8702"))
    assert first.log != second.log
    assert first.ready == HttpReady("http://127.0.0.1:8701/healthz")
    assert first.stop_signal is signal.SIGINT


def test_postgresql_listens_on_the_loopback_only_and_starts_unprivileged() -> None:
    postgres = spec(plan_of(), "postgres")
    assert postgres.prefix == ("unshare", "--user")
    assert {"listen_addresses=127.0.0.1", "unix_socket_directories=", "wal_level=replica"} <= set(postgres.argv)
    assert isinstance(postgres.ready, PostgresReady)


def test_no_password_is_in_any_command_line() -> None:
    assert not [s.name for s in plan_of().processes if PASSWORD in " ".join((*s.prefix, *s.argv))]


def test_everything_that_listens_does_so_on_the_loopback() -> None:
    plan = plan_of()
    assert "--web.listen-address=127.0.0.1:8790" in spec(plan, "prometheus").argv
    assert "--web.listen-address=127.0.0.1:8793" in spec(plan, "alertmanager").argv
    assert "--cluster.listen-address=" in spec(plan, "alertmanager").argv
    assert "--web.listen-address=127.0.0.1:8800" in spec(plan, "node").argv
    assert spec(plan, "chroma").argv[4:6] == ("--host", "127.0.0.1")


def test_prometheus_is_ready_only_when_it_knows_alertmanager() -> None:
    prometheus = spec(plan_of(), "prometheus")
    ready = HttpReady("http://127.0.0.1:8790/metrics", "prometheus_notifications_alertmanagers_discovered", 1.0)
    assert (prometheus.ready, prometheus.depends) == (ready, ("alertmanager",))


def test_a_fault_proxy_stands_before_its_upstream_without_its_path() -> None:
    proxy = spec(plan_of(proxy_upstreams=("llm-primary",), pass_through=True), "llm-primary-proxy")
    assert proxy.argv[1:7] == ("-m", "bongsu.chaos.proxy", "--listen", "8770", "--upstream", "http://127.0.0.1:8740")
    assert proxy.argv[-1] == "--pass-through"
    assert (proxy.depends, proxy.ready) == (("llm-primary",), TcpReady("127.0.0.1", 8770))


def test_what_the_environment_names_is_not_started() -> None:
    names = {
        s.name for s in plan_of(environment={"DATABASE_URL": "postgresql://u@db/x", "SEARCH_URL": "http://s"}).processes
    }
    assert not {"postgres", "search"} & names


def test_only_the_system_sees_its_settings() -> None:
    plan = plan_of()
    assert "DATABASE_URL" in spec(plan, "api").env
    assert [s.name for s in plan.processes if "DATABASE_URL" in s.env] == ["api", "worker-1", "worker-2"]
    assert plan.env == spec(plan, "api").env


def test_every_replica_is_scraped_with_job_and_instance_names() -> None:
    config = yaml.safe_load(plan_of(scrape_seconds=0.5).files[HOME.path / "prometheus" / "prometheus.yml"])
    assert config["global"] == {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    assert list(jobs) == ["api", "worker", "prometheus", "alertmanager", "supervisor", "watch", "node"]
    assert jobs["worker"]["metrics_path"] == "/m"
    assert [one["labels"]["instance"] for one in jobs["worker"]["static_configs"]] == ["worker-1", "worker-2"]
    assert config["rule_files"] == [str(HOME.path / RULES)]
    assert "external_labels" not in config["global"]


def test_a_proof_does_not_watch_the_machine_it_does_not_own() -> None:
    file = HOME.path / "prometheus" / "prometheus.yml"
    assert "node" not in {
        job["job_name"] for job in yaml.safe_load(plan_of(watch_machine=False).files[file])["scrape_configs"]
    }


def test_rules_and_alertmanagers_tree_are_written_and_dashboards_are_not() -> None:
    names = {str(path.relative_to(HOME.path)) for path in plan_of().files}
    assert {RULES, "alertmanager/alertmanager.yml"} <= names
    assert not [name for name in names if name.startswith("grafana")]


def test_a_receiver_can_be_told_to_forget_a_channel() -> None:
    assert spec(plan_of(receiver_drop=("pagerduty",)), "receiver").argv[-2:] == ("--drop", "pagerduty")


def test_a_stack_without_a_compiled_alertmanager_configuration_is_refused() -> None:
    with pytest.raises(StateError, match=r"gave no alertmanager/alertmanager\.yml"):
        make_plan(make_site(), {RULES: "groups: []\n"})


def test_public_addresses_hold_neither_password_nor_fault_socket() -> None:
    shown = public_addresses(plan_of(proxy_upstreams=("llm-primary",)).urls)
    assert not [value for value in shown.values() if PASSWORD in value or value.endswith(".sock")]
    assert shown["llm-primary"] == "http://127.0.0.1:8770/v1"


def test_a_plan_depends_on_its_values_alone() -> None:
    site = make_site()
    assert make_plan(site, COMPILED) == make_plan(replace(site), dict(COMPILED))
