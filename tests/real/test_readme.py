"""The transcript in the first screen of the README, run again and compared in shape."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BONGSU = ROOT / ".venv/bin/bongsu"
SPAN = 200
"""The stack spreads its ports over this many numbers from --port-base."""


def transcript(readme: str) -> list[str]:
    block = re.search(r"```console\n\$ make up\n(.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None, f"{readme} has no transcript of `make up`"
    return block[1].splitlines()


def shape(lines: list[str]) -> dict[str, set[str]]:
    """Return what is shown, without what differs from run to run."""
    found: dict[str, set[str]] = {"ready": set(), "address": set(), "sentence": set(), "unknown": set()}
    for line in lines:
        if match := re.match(r"  ready +(\S+) +\d+\.\d s   \S", line):
            found["ready"].add(match[1])
        elif match := re.match(r"  (\S+) +(?:(?:http|postgresql)://(?:\S+@)?)?127\.0\.0\.1:\d+", line):
            found["address"].add(match[1])
        elif line.startswith(("$ ", "a shell that talks to it")) or re.match(
            r"everything answers after \d+\.\d s$", line
        ):
            found["sentence"].add(re.sub(r"\d+\.\d s|\S*bongsu/\S+|\S*home\S*", "…", line.split("; its logs")[0]))
        elif re.match(r"\[\d+\] \S", line):
            found["sentence"].add("[n] title")
        elif re.match(r"    http://127\.0\.0\.1:\d+/\S+$", line):
            found["sentence"].add("    url")
        elif re.search(r"\. \[\d+\]", line):
            found["sentence"].add("answer with citations")
        elif line.strip() and not line.startswith("bootstrap: "):
            found["unknown"].add(line)
    return found


def free_base() -> int:
    """Return a port below which and above which, over the span of a stack, nothing listens now."""
    for base in range(21000, 60000, SPAN):
        taken = False
        for port in range(base, base + SPAN):
            with socket.socket() as probe:
                taken = taken or probe.connect_ex(("127.0.0.1", port)) == 0
        if not taken:
            return base
    raise AssertionError("no free range of ports")


def test_both_readmes_show_the_same_transcript() -> None:
    assert transcript("README.md") == transcript("README.ko.md")


@pytest.mark.long
@pytest.mark.timeout(240)
def test_the_transcript_of_the_readme_is_what_up_prints_today(tmp_path: Path) -> None:
    home = tmp_path / "home"
    try:
        done = subprocess.run(
            [str(BONGSU), "up", "--home", str(home), "--port-base", str(free_base())],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        seen, promised = shape(done.stdout.splitlines()), shape(transcript("README.md"))
        assert seen == promised
        assert seen["unknown"] == set()
        assert {"answer with citations", "[n] title", "    url"} <= seen["sentence"]
    finally:
        subprocess.run([str(BONGSU), "down", "--home", str(home)], cwd=ROOT, check=True, timeout=60)


def test_a_transcript_that_no_longer_fits_is_noticed() -> None:
    lines = transcript("README.md")
    assert shape([line for line in lines if "prometheus" not in line]) != shape(lines)
    assert shape([*lines, "  something new"])["unknown"] == {"  something new"}
