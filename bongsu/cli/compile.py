"""`bongsu compile`: turn the catalogues into the configuration of Prometheus, Alertmanager and Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bongsu.cli import sloth
from bongsu.cli.catalogue import RENDERED, compile_all, judge, load_catalogue, today
from bongsu.cli.unchanged import Stamp, inputs_digest, outputs_digest, read_stamp, write_stamp
from bongsu.core.artefacts import diff_tree, is_mixed, write_tree
from bongsu.core.diagnostics import has_errors, render
from bongsu.core.garbage import uncollected

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

NAME = "compile"
HELP = "check every catalogue and compile rules, routes and dashboards; nothing is written when anything is wrong"
EXAMPLES = (
    "bongsu compile",
    "bongsu compile --check          # exit 1 when the committed output is not what would be compiled",
    "bongsu compile --out /tmp/rules",
    "bongsu compile --compat sloth --out /tmp/sloth-rules",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("--check", action="store_true", help="compare with the output folder, write nothing")
    parser.add_argument("--out", type=Path, default=None, help=f"output folder (default: ROOT/{RENDERED})")
    sloth.configure(parser)


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Report all problems at once; without an error, write (or with --check compare) the whole output."""
    if args.compat:
        return sloth.run(args, out, err)
    folder = args.root / (args.out or RENDERED)
    inputs, stamp = inputs_digest(args.root, folder), read_stamp(args.root)
    if stamp and inputs and stamp.inputs == inputs and stamp.outputs == outputs_digest(folder):
        print(stamp.said, file=err, end="")
        print(f"{stamp.files} files {'are up to date' if args.check else 'compiled, 0 changed'}", file=out)
        return 0
    with uncollected():
        catalogue = load_catalogue(args.root)
        verdict = judge(catalogue, today())
    problems, summary = verdict.problems, verdict.summary()
    said = f"{render(problems, catalogue.sources)}\n" if problems else ""
    said += f"{summary}\n" if summary else ""
    print(said, file=err, end="")
    if has_errors(problems):
        print(f"nothing was compiled: {len(problems)} problem(s)", file=err)
        return 1
    with uncollected():
        files = compile_all(catalogue)
    if args.check:
        return _compare(folder, files, out, err)
    changed = write_tree(folder, files)
    if inputs == inputs_digest(args.root, folder):  # else somebody wrote while we read
        write_stamp(args.root, Stamp(inputs, outputs_digest(folder), len(files), said))
    for name in changed:
        print(f"{folder / name}{'' if name in files else ' (removed)'}", file=out)
    print(f"{len(files)} files compiled, {len(changed)} changed", file=out)
    return 0


def _compare(folder: Path, files: dict[str, str], out: TextIO, err: TextIO) -> int:
    differing = diff_tree(folder, files)
    if is_mixed(folder):
        print(f"{folder}: not whole: `bongsu compile` was stopped while it wrote", file=err)
    for name in differing:
        print(f"{folder / name}: not what `bongsu compile` would write", file=err)
    if differing or is_mixed(folder):
        print("run `bongsu compile` and commit the result", file=err)
        return 1
    print(f"{len(files)} files are up to date", file=out)
    return 0
