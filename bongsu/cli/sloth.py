"""`bongsu compile --compat sloth`: Sloth's own rules, into a folder of their own, by Sloth's own flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bongsu.cli.catalogue import judge, load_catalogue, today
from bongsu.core.artefacts import HEADER, write_file
from bongsu.core.diagnostics import has_errors, render
from bongsu.core.errors import StateError, UsageError
from bongsu.core.snooze import Verdict
from bongsu.slo.load import API
from bongsu.slo.sloth.compat import Catalogue, Flags, dead, expressible, of_slo, period_of
from bongsu.slo.sloth.files import compile_files, documents_of, without_windows
from bongsu.slo.sloth.model import Document
from bongsu.slo.sloth.native import PERIOD
from bongsu.slo.windows import period_problem

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import TextIO

    from bongsu.checks.model import Catalogue as World
    from bongsu.core.diagnostics import Problem

_FORMS = ("yaml/", "spec/", "snooze/")
_CODES = ("expr/syntax", "slo/duplicate", "slo/objective")
_MARK = "# " + HEADER.partition("{")[0]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags of Sloth's `generate`, by the names they have there."""
    flags = parser.add_argument_group("with --compat sloth")
    flags.add_argument("--compat", choices=("sloth",), help="write Sloth's own rules (needs --out)")
    flags.add_argument("--default-slo-period", default=PERIOD, metavar="30d", help="of SLOs that do not say one")
    flags.add_argument("--extra-labels", "-l", action="append", default=[], metavar="NAME=VALUE")
    flags.add_argument("--disable-alerts", action="store_true", help="write recordings only")
    flags.add_argument("--disable-recordings", action="store_true", help="write alerts only")


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Report the problems of the slo folder alone; without an error, write the rules beside what is there."""
    if args.out is None:
        where = "the folder of bongsu's own rules is not a place for Sloth's"
        raise UsageError(
            "--compat sloth needs --out", where=where, next="pass a folder, such as --out /tmp/sloth-rules"
        )
    flags = _flags(args)
    world = load_catalogue(args.root)
    documents, catalogues = _documents(world)
    verdict = _verdict(world)
    problems = [*verdict.problems, *without_windows(documents, catalogues, flags)]
    if problems:
        print(render(problems, world.sources), file=err)
    if summary := verdict.summary():
        print(summary, file=err)
    if has_errors(problems):
        print(f"nothing was compiled: {len(problems)} problem(s)", file=err)
        return 1
    files = compile_files(documents, catalogues, flags)
    if not files:
        raise StateError("nothing was compiled", where=world.manifest.catalogues.slo, next="declare an SLO there")
    _warn(world, documents, catalogues, flags, err)
    folder = args.root / args.out
    return _compare(folder, files, out, err) if args.check else _write(folder, files, out)


def _documents(world: World) -> tuple[list[Document], dict[float, Catalogue]]:
    """Return every SLO that Sloth has words for: its own documents, and ours one by one."""
    found, catalogues = documents_of({file: text for file, text in world.sources.items() if _within(world, file)})
    ours = [
        Document(slo.spec, slo.span.file, (of_slo(slo),))
        for slo in world.slos.slos
        if slo.spec == API and expressible(slo)
    ]
    return [*found, *ours], catalogues


def _verdict(world: World) -> Verdict:
    """Return what is wrong with the SLOs themselves, and what of it is put off; comments are judged as everywhere."""
    whole = judge(world, today())
    return Verdict(
        tuple(problem for problem in whole.problems if _asked(world, problem)),
        tuple((problem, snooze) for problem, snooze in whole.snoozed if _asked(world, problem)),
    )


def _asked(world: World, problem: Problem) -> bool:
    """Tell whether a problem is one of the SLOs: Sloth knows no runbooks, routes or proofs."""
    ours = problem.code.startswith(_FORMS) or problem.code in _CODES
    return ours and _within(world, problem.span.file)


def _within(world: World, file: str) -> bool:
    return file.startswith(f"{world.manifest.catalogues.slo}/")


def _flags(args: argparse.Namespace) -> Flags:
    if problem := period_problem(args.default_slo_period):
        raise UsageError(problem, where="--default-slo-period", next="write 28d or 30d")
    labels = dict(_label(text) for text in args.extra_labels)
    return Flags(args.default_slo_period, labels, not args.disable_alerts, not args.disable_recordings)


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name.isidentifier() and name.isascii() and equals and value):
        raise UsageError(f"{text!r} is not a label", where="--extra-labels", next="write NAME=VALUE")
    return name, value


def _warn(
    world: World, documents: Iterable[Document], catalogues: Mapping[float, Catalogue], flags: Flags, err: TextIO
) -> None:
    for ours in world.slos.slos:
        if ours.spec == API and not expressible(ours):
            print(f"{ours.id}: left out, Sloth has no words for its indicator, window or policies", file=err)
    for slo in (slo for document in documents for slo in document.slos):
        silent = dead(slo, catalogues[period_of(slo, flags)]) if flags.alerts else []
        if silent:
            what = f"{slo.id}: not even a total outage fires Sloth's {', '.join(silent)} at {slo.objective:g} %"
            print(f"{what}; bongsu's own rules fit theirs (docs/sloth.md)", file=err)


def _write(folder: Path, files: Mapping[str, str], out: TextIO) -> int:
    """Write what changed; never over a file that bongsu did not compile, and nothing is removed."""
    changed = _differing(folder, files)
    for name in changed:
        path = folder / name
        if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(_MARK):
            raise StateError(f"{name} exists and is not bongsu's", where=str(folder), next="choose another --out")
    for name in changed:
        write_file(folder / name, files[name])
        print(folder / name, file=out)
    print(f"{len(files)} files compiled, {len(changed)} changed", file=out)
    return 0


def _compare(folder: Path, files: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    differing = _differing(folder, files)
    for name in differing:
        print(f"{folder / name}: not what `bongsu compile --compat sloth` would write", file=err)
    if not differing:
        print(f"{len(files)} files are up to date", file=out)
    return 1 if differing else 0


def _differing(folder: Path, files: Mapping[str, str]) -> list[str]:
    return sorted(
        name
        for name, text in files.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8", errors="replace") != text
    )
