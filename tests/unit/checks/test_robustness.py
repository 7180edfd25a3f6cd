"""Whatever people write, the compiler answers with problems and never with a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.checks.registry import check_all
from bongsu.cli.catalogue import compile_all, load_catalogue
from bongsu.core.diagnostics import has_errors, render
from tests.golden.scenario import WORLD, build

FILES = sorted(path.relative_to(WORLD) for path in WORLD.rglob("*") if path.is_file())


@st.composite
def damages(draw: st.DrawFn) -> tuple[Path, str]:
    """Return a file of the small world and its text with some lines dropped, doubled, moved or garbled."""
    file = draw(st.sampled_from(FILES))
    lines = (WORLD / file).read_text(encoding="utf-8").splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["drop", "double", "indent", "garble", "empty"]))
        if kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "double":
            lines.insert(at, lines[at])
        elif kind == "indent":
            lines[at] = "  " + lines[at]
        elif kind == "garble":
            lines[at] = lines[at].replace(draw(st.sampled_from("abe:{[(-> ")), draw(st.sampled_from("x:}]) \t'#5")))
        elif kind == "empty":
            lines[at] = lines[at].split(":")[0] + ":"
    return file, "\n".join(lines) + "\n"


@pytest.fixture(name="root", scope="module")
def _root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("robust"))


@settings(max_examples=80, deadline=None)
@given(damage=damages())
def test_a_damaged_catalogue_gives_problems_or_compiles(root: Path, damage: tuple[Path, str]) -> None:
    file, text = damage
    (root / file).write_text(text, encoding="utf-8")
    catalogue = load_catalogue(root)
    (root / file).write_bytes((WORLD / file).read_bytes())
    problems = check_all(catalogue)
    assert all(problem.what and problem.span.line >= 1 and problem.span.column >= 1 for problem in problems)
    render(problems, catalogue.sources)
    if not has_errors(problems):
        assert compile_all(catalogue)
