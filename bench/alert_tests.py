"""How long 1,000 alert tests take: every burn-rate alert of 250 SLOs, each with all its questions, by promtool.

Objectives from 50 to 99.99 %, periods of 7, 28, 30 and 90 days. As many promtool side by side as there are processors;
generating the tests is told apart. Machines differ in what else they do: CPU seconds stand beside wall seconds. Exit 1
when a test fails or the median of three runs takes longer than 30 s.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bongsu.slo.compile import compile_slos, file_name
from bongsu.slo.load import load
from bongsu.slo.replay import compile_replays
from bongsu.slo.rules import Links

OBJECTIVES = (0.5, 0.6, 0.75, 0.8, 0.9, 0.95, 0.975, 0.98, 0.99, 0.995, 0.999, 0.9995, 0.9999)
PERIODS = ("7d", "28d", "30d", "90d")
COUNT, SECONDS, RUNS = 250, 30.0, 3
QUIET = (".test.yml", "SUCCESS")
"""How the lines of a test that passed end."""
QUICK = {"GOGC": "400", "GOMAXPROCS": "1"}
"""Less garbage collection in processes that end at once, one thread in each."""
SERVICE = (
    "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: shop, displayName: Shop}\nspec: {description: Sells.}\n"
)
SLO = """---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: n%(number)d
  displayName: Number %(number)d
  annotations: {bongsu/alert: Burn%(number)d, bongsu/title-ko: 약속}
spec:
  description: Requests succeed.
  service: shop
  indicator:
    metadata: {name: failed}
    spec:
      ratioMetric:
        counter: true
        bad:
          metricSource:
            type: Prometheus
            spec: {query: 'sum(rate(shop_requests_total{code=~"5..",n="%(number)d"}[{{.window}}]))'}
        total:
          metricSource:
            type: Prometheus
            spec: {query: 'sum(rate(shop_requests_total{n="%(number)d"}[{{.window}}]))'}
  timeWindow: [{duration: %(period)s, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: Most, target: %(objective)s}]
"""


def write(folder: Path) -> tuple[list[str], int]:
    """Write the tests of every alert; return their file names and the number of questions in them."""
    text = SERVICE + "".join(
        SLO
        % {
            "number": number,
            "period": PERIODS[number % len(PERIODS)],
            "objective": OBJECTIVES[number // len(PERIODS) % len(OBJECTIVES)],
        }
        for number in range(COUNT)
    )
    slos, problems = load({"slo.yaml": text})
    if problems:
        raise ValueError(f"{problems[0].span}: {problems[0].what}")
    files = compile_slos(slos, Links("https://git.example.com", "https://grafana.example.com"))
    tiers = {f"{slo.id}-{tier.name}" for slo, windows in slos.watched() for tier in windows.tiers}
    names, questions = [], 0
    for replay in compile_replays(slos, {slo.id: files[file_name(slo)] for slo in slos.slos}):
        if replay.name in tiers:
            for name, content in replay.files().items():
                (folder / name).write_text(content, encoding="utf-8")
            names.append(f"{replay.name}.test.yml")
            questions += replay.test.count("eval_time: ")
    return names, questions


def play(folder: Path, names: list[str]) -> tuple[float, float, list[str]]:
    """Run all tests; return wall seconds, CPU seconds and what failed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    processes = os.cpu_count() or 1
    running = [
        subprocess.Popen(
            ["promtool", "test", "rules", *names[first::processes]],
            cwd=folder,
            env=os.environ | QUICK,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for first in range(processes)
    ]
    outputs = [process.communicate()[0] for process in running]
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    failed = [output for process, output in zip(running, outputs, strict=True) if process.returncode != 0]
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, failed


def run() -> int:
    """Write, play three times, print the medians and the verdict."""
    with tempfile.TemporaryDirectory(prefix="bongsu-alert-tests-") as temporary:
        folder, began = Path(temporary), time.monotonic()
        names, questions = write(folder)
        print(f"{len(names)} alert tests with {questions} questions, written in {time.monotonic() - began:.1f} s")
        runs = [play(folder, names) for _ in range(RUNS)]
    failed = [output for _, _, outputs in runs for output in outputs]
    for output in failed:
        wrong = [line for line in output.splitlines() if line.strip() and not line.endswith(QUIET)]
        print("\n".join(wrong)[:4000])
    wall, cpu = (statistics.median(one[i] for one in runs) for i in (0, 1))
    good = not failed and wall <= SECONDS
    print(
        f"{len(names)} alert tests: {wall:.1f} s (at most {SECONDS:g}), {cpu:.1f} CPU seconds, "
        f"{len(failed)} failed: {'ok' if good else 'FALLS SHORT'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(run())
