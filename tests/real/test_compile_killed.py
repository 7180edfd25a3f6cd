"""Kill -9 while a tree is written: every file is old or new and whole, the mix is known as one, and repaired."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from bongsu.core.artefacts import UNFINISHED, diff_tree, is_mixed, write_tree
from tests.golden.scenario import bongsu, build

FILES, ROUNDS = 40, 15
_CHILD = """
import sys
from pathlib import Path
from bongsu.core.artefacts import write_tree
from tests.real.test_compile_killed import tree
files = tree(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
write_tree(Path(sys.argv[1]), files)
"""


def tree(word: str) -> dict[str, str]:
    """Return a tree of many files, one of which only this word has."""
    return {f"{i % 3}/{i}.yml": f"{word}\n" * 2000 for i in range(FILES)} | {f"only-{word}.yml": "x\n"}


def killed(root: Path, word: str, seconds: float) -> None:
    """Write the tree of a word in a process of its own, and kill it so long after it began."""
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(root), word],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.stdin.write("go\n")
        child.stdin.flush()
        with suppress(subprocess.TimeoutExpired):  # one that is done before its moment came was not killed
            child.wait(seconds)
        child.kill()


def test_a_tree_whose_writer_was_killed_is_old_new_or_known_as_a_mix(tmp_path: Path) -> None:
    root, choose = tmp_path / "out", random.Random(6)  # noqa: S311 - moments, not secrets
    write_tree(root, tree("one"))
    begun = time.perf_counter()
    write_tree(root, tree("two"))
    whole = time.perf_counter() - begun
    unfinished = 0
    for _ in range(ROUNDS):
        write_tree(root, tree("one"))
        killed(root, "two", choose.uniform(0, 1.2 * whole))
        for name in tree("one").keys() & tree("two").keys():
            assert (root / name).read_text() in (tree("one")[name], tree("two")[name])
        changes = [bool(diff_tree(root, tree(word))) for word in ("one", "two")]
        assert is_mixed(root) or not all(changes)
        unfinished += any(path.name.startswith(UNFINISHED) for path in root.rglob("*"))
        write_tree(root, tree("two"))
        assert diff_tree(root, tree("two")) == []
        assert not any(path.name.startswith(UNFINISHED) for path in root.rglob("*"))
    assert unfinished  # else no kill came while files were written, and this says nothing


def test_a_mix_is_not_whole_for_check_even_where_no_file_differs_and_compile_repairs_it(tmp_path: Path) -> None:
    root = build(tmp_path)
    bongsu(root, "compile")
    out = root / "deploy/rendered"
    (out / f"{UNFINISHED}mixed").touch()
    (out / f"prometheus/{UNFINISHED}rules.yml.x1").write_text("half")
    code, _, err = bongsu(root, "compile", "--check")
    assert code == 1
    assert "not whole" in err
    assert bongsu(root, "compile")[1].endswith(" 0 changed\n")
    assert bongsu(root, "compile", "--check")[0] == 0
    assert not any(path.name.startswith(UNFINISHED) for path in out.rglob("*"))


def test_a_corrupt_byte_in_the_output_is_a_difference_and_no_crash(tmp_path: Path) -> None:
    root = build(tmp_path)
    bongsu(root, "compile")
    rules = root / "deploy/rendered/prometheus/alerts-ErrorsMany.rules.yml"
    good = rules.read_bytes()
    rules.write_bytes(b"\xff" + good)
    assert bongsu(root, "compile", "--check")[0] == 1
    assert bongsu(root, "compile")[1].endswith(" 1 changed\n")
    assert rules.read_bytes() == good
