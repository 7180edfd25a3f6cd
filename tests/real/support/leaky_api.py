"""The planted defect: the research assistant with its tenant filters off, `python -m tests.real.support.leaky_api`."""

from __future__ import annotations

import sys

from research_assistant import cli

from tests.real.support.tenant_matrix import FILTERS


def main() -> int:
    """Switch every filter off and be the console script."""
    for module, name, off in FILTERS:
        setattr(module, name, off)
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
