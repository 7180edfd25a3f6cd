"""Play the corpus of right and wrong specifications (tests/golden/corpus) through loaders, checks and compilers.

A file of it is a theme: `file` says where in the small world of tests/golden a case stands, `cases` are a text each:
`spec` whole, or `change`, pairs of old and new in `base`. A wrong one names the `code` and the `line` of a problem that
must be found in its file, and nothing may be compiled; a right one has no error and compiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from bongsu.cli.catalogue import check_all, compile_all, load_catalogue
from bongsu.core.diagnostics import Severity

ROOT = Path(__file__).parents[2] / "tests/golden/corpus"


@dataclass(frozen=True, slots=True)
class Case:
    """One text at a place in the world; `code` is empty and `line` 0 when it is right."""

    theme: str
    name: str
    file: str
    text: str
    code: str = ""
    line: int = 0


def cases(kind: str) -> list[Case]:
    """Return the cases of a kind (`valid` or `invalid`), in the order of themes and of their files."""
    found = []
    for path in sorted((ROOT / kind).glob("*.yaml")):
        theme = yaml.safe_load(path.read_text(encoding="utf-8"))
        for case in theme["cases"]:
            text = case["spec"] if "spec" in case else _changed(theme["base"], case["change"])
            found.append(
                Case(path.stem, case["name"], theme["file"], text, case.get("code", ""), int(case.get("line", 0)))
            )
    return found


def verdict(world: Path, case: Case) -> str:
    """Return what is wrong with how a case is judged in a world of its own; empty when it is as it should be."""
    place = world / case.file
    own = place.read_bytes() if place.exists() else None
    place.write_text(case.text, encoding="utf-8")
    try:
        catalogue = load_catalogue(world)
        problems = check_all(catalogue)
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        said = "; ".join(f"{problem.span}: {problem.code} {problem.what}" for problem in errors) or "nothing"
        found = [(problem.span.file, problem.code, problem.span.line) for problem in errors]
        wrong = ""
        if case.code and (case.file, case.code, case.line) not in found:
            wrong = f"wanted {case.code} on line {case.line}, said {said}"
        elif not case.code and (errors or not compile_all(catalogue)):
            wrong = f"refused: {said}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is one case that is judged wrongly
        wrong = f"crashed: {error!r}"
    finally:
        if own is None:
            place.unlink()
        else:
            place.write_bytes(own)
    return wrong


def _changed(base: str, changes: list[list[str]]) -> str:
    for old, new in changes:
        if old not in base:
            raise ValueError(f"the text to change is not there: {old!r}")
        base = base.replace(old, new, 1)
    return base
