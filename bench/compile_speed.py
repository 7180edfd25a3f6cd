"""How long a thousand SLOs take to compile, with all validation, and what it costs in memory.

Compiling is everything from the files on disk to the text of the output: read, parse with positions, check across
catalogues, compile, emit. Each measurement is the first work of a process of its own, so that nothing is remembered; it
is CPU time, which on an idle machine is the time one waits (one thread, no network), and the best of several rounds
through all sizes, because other work only ever adds. Imports and the whole verb (one fsync a file: the disk's figure)
are printed beside it.
Sloth 0.16 needs 0.75 to 0.82 s for as many, with far less validation (measured on two idle cores).
The project has no runbooks and no experiments: every SLO is a warning of three checks, and those are found as well.
"""

from __future__ import annotations

import hashlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from itertools import combinations
from pathlib import Path

from bench.support.catalogue import write_project
from bench.support.figures import Figures
from bongsu.cli import compile as compile_verb
from bongsu.cli.catalogue import check_all, compile_all, load_catalogue
from bongsu.core.diagnostics import has_errors
from bongsu.core.garbage import uncollected

SIZES, TIMES = (100, 1_000, 10_000), 5
SECONDS, MEGABYTES, AGAIN, FLAT = 0.8, 200.0, 0.3, 1.25


def run() -> int:
    """Measure each size, and everything else at a thousand; print and return the verdict."""
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as temporary:
        projects = {size: write_project(Path(temporary) / str(size), size) for size in SIZES}
        backwards = write_project(Path(temporary) / "backwards", SIZES[1], backwards=True)
        rounds = [{size: _child("cold", root) for size, root in projects.items()} for _ in range(TIMES)]
        other = _child("cold", backwards)
        verbs = [_child("verb", projects[SIZES[1]]) for _ in range(5)]
    best = {size: min(one[size]["seconds"] for one in rounds) for size in SIZES}
    thousand, seconds = [one[SIZES[1]] for one in rounds], best[SIZES[1]]
    about = f"1,000 SLOs, {thousand[0]['rules']} rules, {thousand[0]['problems']} warnings found"
    figures.bar(about, f"{seconds:.2f} s", f"at most {SECONDS} s", good=seconds <= SECONDS)
    peak = max(float(one["mb"]) for one in thousand)
    figures.bar("peak memory", f"{peak:.0f} MB", f"at most {MEGABYTES:g} MB", good=peak <= MEGABYTES)
    same = len({one["digest"] for one in [*thousand, other]}) == 1
    said = "identical" if same else "differs"
    figures.bar("output on repeat and in another file order", said, "identical", good=same)
    each = {size: took / size * 1000 for size, took in best.items()}
    growth = max(each[more] / each[less] for less, more in combinations(SIZES, 2))
    figures.bar(
        "cost per SLO at " + ", ".join(f"{size:,}" for size in SIZES),
        ", ".join(f"{value:.2f} ms" for value in each.values()) + f", growth {growth:.2f}",
        f"at most {FLAT:g} times as much at the larger size",
        good=growth <= FLAT,
    )
    again = min(one["seconds"] for one in verbs[1:])
    figures.bar("`bongsu compile` of an unchanged tree", f"{again:.2f} s", f"at most {AGAIN} s", good=again <= AGAIN)
    figures.note("the first `bongsu compile`, writing included", f"{verbs[0]['wall']:.2f} s by the clock")
    figures.note("imports", f"{min(one['imports'] for one in verbs):.2f} s")
    return figures.code()


def _child(what: str, root: Path) -> dict[str, float]:
    argv = [sys.executable, "-m", "bench.compile_speed", what, str(root)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout))


def measure(what: str, root: Path) -> dict[str, float | str]:
    """Return the figures of one cold compilation, or of the verb."""
    imports, wall = time.process_time(), time.perf_counter()
    if what == "verb":
        out, err = io.StringIO(), io.StringIO()
        if compile_verb.run(Namespace(root=root, out=Path("out"), compat=None, check=False), out, err) != 0:
            raise SystemExit(err.getvalue()[-2000:])
        took = time.process_time() - imports
        return {"imports": imports, "seconds": took, "wall": time.perf_counter() - wall}
    with uncollected():
        catalogue = load_catalogue(root)
        problems = check_all(catalogue)
        files = compile_all(catalogue)
    took = time.process_time() - imports
    if has_errors(problems):
        raise SystemExit(f"the project is not sound: {problems[0]}")
    return {
        "seconds": took,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "problems": len(problems),
        "rules": sum(text.count(" expr: ") for text in files.values()),
        "digest": hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest(),
    }


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
    else:
        sys.exit(run())
