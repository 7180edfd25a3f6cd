"""Print how many wrong specifications are rejected with the right code and line, and how many right ones are.

Exit 1 unless all of the first and none of the second.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.support.corpus import cases, verdict
from tests.golden.scenario import build


def main() -> int:
    """Play the corpus and print the two counts."""
    with tempfile.TemporaryDirectory(prefix="bongsu-corpus-") as temporary:
        world = build(Path(temporary))
        verdicts = {kind: [(case, verdict(world, case)) for case in cases(kind)] for kind in ("invalid", "valid")}
    wrong = {kind: [(case, said) for case, said in found if said] for kind, found in verdicts.items()}
    for found in wrong.values():
        for case, said in found:
            print(f"{case.theme}: {case.name}: {said}")
    invalid, valid = len(verdicts["invalid"]), len(verdicts["valid"])
    print(
        f"{invalid - len(wrong['invalid'])} of {invalid} invalid rejected with code and line, "
        f"{len(wrong['valid'])} of {valid} valid rejected"
    )
    return 1 if any(wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
