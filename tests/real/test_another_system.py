"""Another LangGraph application: wrapped in one line, started with `bongsu init`, scraped and compiled."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bongsu.cli.catalogue import load_catalogue
from bongsu.core.promql import bare, selectors
from tests.real.support.pg import free_port
from tests.support import tool_loop

BONGSU = Path(sys.executable).parent / "bongsu"
CHUNKS = 5
"""`booked`, a blank, `and`, a blank, `done`."""
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("travel-agent")
    shutil.copy(tool_loop.__file__, root / "app.py")
    return root


@pytest.fixture(scope="module")
def scraped(repository: Path) -> Iterator[Samples]:
    """Run the application as a process of its own and scrape it."""
    port = free_port()
    argv = [sys.executable, "app.py", str(port)]
    with subprocess.Popen(argv, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"chunks {CHUNKS}\n"
        assert process.stdout.readline() == "ready\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        yield {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_runs_nodes_tools_models_and_questions_to_people_are_counted(scraped: Samples) -> None:
    assert value(scraped, "bongsu_events_total", kind="run", outcome="good") == 2
    assert value(scraped, "bongsu_events_total", kind="run", outcome="bad") == 1
    assert value(scraped, "bongsu_run_duration_seconds_count", **{"class": "travel-agent"}) == 2
    assert value(scraped, "bongsu_interrupts_total", node="approve") == 4
    assert value(scraped, "bongsu_node_duration_seconds_count", node="approve", outcome="error") == 1
    assert value(scraped, "bongsu_node_duration_seconds_count", node="assistant", outcome="ok") == 6
    assert value(scraped, "bongsu_tool_calls_total", tool="book", outcome="ok") == 1
    assert value(scraped, "bongsu_tool_calls_total", tool="book", outcome="error") == 1
    calls = {"endpoint": "genericfakechatmodel", "operation": "chat"}
    assert value(scraped, "bongsu_llm_calls_total", **calls, outcome="ok") == 6
    assert value(scraped, "bongsu_agent_tokens_total", node="assistant", direction="input") == 4 * 40 + 60
    assert all(value(scraped, "bongsu_nodes_running", node=node) == 0 for node in ("assistant", "approve", "tools"))


def test_a_streamed_answer_is_timed_chunk_by_chunk_in_both_generations(scraped: Samples) -> None:
    def seen(name: str) -> float:
        return sum(number for (found, _), number in scraped.items() if found == name)

    for what in ("operation", "inference"):
        chunks = f"gen_ai_client_{what}_time_per_output_chunk_seconds"
        first = f"gen_ai_client_{what}_time_to_first_chunk_seconds"
        assert (seen(f"{first}_count"), seen(f"{chunks}_count")) == (1, CHUNKS - 1)  # five other answers came whole
        assert 0 < seen(f"{first}_sum") < 60
        assert 0 <= seen(f"{chunks}_sum") < 60


def test_cached_and_reasoning_tokens_of_the_answers_are_counted(scraped: Samples) -> None:
    name = "gen_ai_client_inference_usage"
    for kind, each in (("cache_read_input", 30), ("reasoning_output", 2)):
        found = [number for (metric, _), number in scraped.items() if metric == f"{name}_{kind}_tokens_total"]
        assert found == [each * 3]  # of the one run that told the newest generation; streams come without usage


def test_nothing_of_the_research_assistant_and_nothing_private_is_exported(scraped: Samples) -> None:
    words = {word for _, labels in scraped for _, word in labels}
    assert not words & {"planner", "researcher", "synthesizer", "critic", "simple", "compound", "searxng", "primary"}
    assert not any("4111" in word for word in words)


def test_init_and_compile_are_green_and_every_series_they_read_is_there(repository: Path, scraped: Samples) -> None:
    subprocess.run([str(BONGSU), "init", "--service", "travel-agent"], cwd=repository, check=True, capture_output=True)
    done = subprocess.run([str(BONGSU), "compile"], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert " error [" not in done.stderr
    assert set(re.findall(r"warning \[(.+?)\]", done.stderr)) == {"alert/unproved"}  # nobody has proved them yet
    catalogue = load_catalogue(repository)
    texts = [alert.expr.text for alert in catalogue.alerts.alerts]
    texts += [expression.text for slo in catalogue.slos.slos for expression in slo.expressions()]
    exported = {name for name, _ in scraped}
    waits_for_a_drop = {"bongsu_series_dropped_total"}
    assert {selector.name for text in texts for selector in selectors(bare(text))} <= exported | waits_for_a_drop


def test_the_compiled_files_are_valid_for_prometheus_and_alertmanager(tmp_path: Path) -> None:
    subprocess.run([str(BONGSU), "init", "--service", "travel-agent"], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run([str(BONGSU), "compile"], cwd=tmp_path, check=True, capture_output=True)
    rendered = tmp_path / "deploy/rendered"
    rules = sorted(map(str, (rendered / "prometheus").rglob("*.rules.yml")))
    assert rules
    subprocess.run(["promtool", "check", "rules", *rules], check=True, capture_output=True)
    config = str(rendered / "alertmanager/alertmanager.yml")
    subprocess.run(["amtool", "check-config", config], check=True, capture_output=True)


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "bongsu.yaml").write_text("mine")
    done = subprocess.run(
        [str(BONGSU), "init", "--service", "x", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "bongsu.yaml exist already: nothing was written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bongsu.yaml"]


def test_a_misspelt_name_of_a_node_is_found_once_the_manifest_names_the_nodes(tmp_path: Path) -> None:
    root = tmp_path / "copy"
    subprocess.run([str(BONGSU), "init", "--service", "travel-agent", str(root)], check=True, capture_output=True)
    manifest = root / "bongsu.yaml"
    manifest.write_text(manifest.read_text().replace("  node: []", "  node: [assistant, approve, tools]"))
    alerts = root / "alerts/travel-agent.yaml"
    alerts.write_text(
        alerts.read_text().replace("bongsu_errors_total[15m]", 'bongsu_nodes_running{node="asistant"}[15m]')
    )
    done = subprocess.run([str(BONGSU), "--root", str(root), "compile"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "bongsu_nodes_running never has node='asistant'" in done.stderr
