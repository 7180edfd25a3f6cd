"""Become another program that the kernel kills when the parent dies (Linux).

Run by path, not as a module: `python -I -S launch.py PARENT_PID PROGRAM ARGUMENTS...`, so that it costs one interpreter
start and imports nothing of ours. A launcher rather than `preexec_fn`, which may deadlock where threads run. The signal
comes when the *thread* that started us ends, so supervisors start processes from the thread of their event loop.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
NOT_FOUND = 127


def main(argv: list[str]) -> int:
    """Ask for the signal, make sure that the parent still lives, then become the program."""
    parent, command = int(argv[0]), argv[1:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        print(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        return NOT_FOUND
    if os.getppid() != parent:  # it died before the kernel knew
        return 1
    try:
        os.execvp(command[0], command)  # noqa: S606 - an argv list, no shell
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
    return NOT_FOUND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
