"""Errors of the framework: one root, few leaves, each raised with what, where and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bongsu.core.diagnostics import Problem


class BongsuError(Exception):
    """Stop the command with a sentence a person can act on.

    `exit_code` follows the edge's contract: 1 findings, 2 usage, 3 component unreachable.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", next: str = "") -> None:  # noqa: A002 - reads as a sentence at the raise
        self.what, self.where, self.next = what, where, next
        super().__init__(what)

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.next:
            lines.append(f"  next: {self.next}")
        return "\n".join(lines)


class UsageError(BongsuError):
    """Say that a command line, an environment variable or a setting is wrong."""

    exit_code = 2


class SpecError(BongsuError):
    """Carry every problem found in the specifications at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problem(s) in the specifications")


class StateError(BongsuError):
    """Say that a home, a store or a process is not in the state the command needs."""


class UnreachableError(BongsuError):
    """Say that a component did not answer in time."""

    exit_code = 3
