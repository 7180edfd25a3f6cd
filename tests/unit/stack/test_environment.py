from __future__ import annotations

import pytest

from bongsu.stack.environment import base_environment, env_file, system_settings, without_sourced
from bongsu.stack.pids import HOME_VARIABLE
from bongsu.stack.specs import Site
from tests.unit.stack.sites import HOME, make_site

CALLER = {
    "PATH": "/usr/bin",
    "LC_ALL": "C.UTF-8",
    "DATABASE_URL": "postgresql://real/db",
    "DATABASE_POOL": "9",
    "PGHOST": "real",
    "PGPASSWORD": "hush",
    "ANYTHING_URL": "http://real",
    "OPENAI_API_KEY": "sk-real",
    "HTTPS_PROXY": "http://proxy",
}


def settings_of(site: Site) -> dict[str, str]:
    return system_settings(site.manifest, site.urls, site.secrets, site.environment, site.options)


def test_a_fenced_process_sees_no_address_and_no_key_of_the_caller() -> None:
    seen = base_environment(CALLER, HOME, "/venv/bin", neutral=True)
    assert set(seen) == {"PATH", "LC_ALL", HOME_VARIABLE, "PYTHONUNBUFFERED"}


def test_an_ordinary_process_sees_the_callers_variables_and_no_proxy_before_the_loopback() -> None:
    seen = base_environment({**CALLER, "NO_PROXY": "corp"}, HOME, "/venv/bin", neutral=False)
    assert CALLER.items() - {("PATH", "/usr/bin")} <= seen.items()
    assert (seen["NO_PROXY"], seen["no_proxy"]) == ("corp,127.0.0.1,localhost", "127.0.0.1,localhost")


def test_the_system_finds_stores_upstreams_secrets_and_itself() -> None:
    settings = settings_of(make_site())
    assert settings["CHROMA_URL"] == "http://127.0.0.1:8731"
    assert settings["OPENAI_BASE_URL"] == "http://127.0.0.1:8740/v1"
    assert settings["DEMO_KEY_FILE"] == "/home/of/stack/secrets/api-key"
    assert settings["DEMO_URL"] == "http://127.0.0.1:8700"


def test_the_path_to_the_fault_proxy_is_in_no_variable() -> None:
    settings = settings_of(make_site(proxy_upstreams=("llm-primary",)))
    assert settings["OPENAI_BASE_URL"] == "http://127.0.0.1:8770/v1"
    assert not [value for value in settings.values() if "fault" in value or "8740" in value]


@pytest.mark.parametrize(
    ("given", "factor", "expected"),
    [
        ({}, 1.0, "86400"),
        ({}, 60.0, "1440"),
        ({"DEMO_DAY_SECONDS": "600"}, 60.0, "10"),
        ({"DEMO_DAY_SECONDS": "x"}, 1.0, "86400"),
    ],
)
def test_a_compressible_variable_is_divided_by_the_factor(given: dict[str, str], factor: float, expected: str) -> None:
    assert settings_of(make_site(given, factor=factor))["DEMO_DAY_SECONDS"] == expected


def test_a_fenced_stack_ignores_the_callers_seconds_and_takes_the_extra_ones() -> None:
    site = make_site({"DEMO_DAY_SECONDS": "600"}, ignore_environment_urls=True, extra_env={"LEASE": "3"})
    assert settings_of(site)["DEMO_DAY_SECONDS"] == "86400"
    assert settings_of(site)["LEASE"] == "3"


def test_a_shell_that_sourced_the_env_file_can_start_the_stack_again() -> None:
    text = env_file({"DATABASE_URL": "postgresql://bongsu:it's@h/x"}, HOME, "/venv/bin")
    caller = {"DATABASE_URL": "postgresql://bongsu:it's@h/x", "BONGSU_ENV_OF": HOME.identity, "EDITOR": "vi"}
    assert without_sourced(caller, HOME, text) == {"EDITOR": "vi"}
    assert without_sourced({**caller, "BONGSU_ENV_OF": "another"}, HOME, text)["DATABASE_URL"]
