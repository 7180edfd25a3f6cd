"""How benches print: what, measured, bar, verdict; and the exit code that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """The lines of one bench; `missed` holds what fell short."""

    missed: list[str] = field(default_factory=list)

    def bar(self, what: str, measured: str, bar: str, *, good: bool) -> None:
        """Print a figure that has a bar, and remember it when it is missed."""
        print(f"{what}: {measured} ({bar}): {'ok' if good else 'FALLS SHORT'}", flush=True)
        if not good:
            self.missed.append(what)

    def note(self, what: str, measured: str) -> None:
        """Print a figure that stands beside the others and has no bar of its own."""
        print(f"{what}: {measured}", flush=True)

    def code(self) -> int:
        """Return the exit code of the bench."""
        return 1 if self.missed else 0
