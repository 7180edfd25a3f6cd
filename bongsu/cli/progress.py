"""What `up` shows while a stack starts: events in, lines out; a spinner on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self, TextIO

    from bongsu.stack.supervisor import Step


def step_event(step: Step) -> dict[str, Any]:
    """Return a step of the supervisor as an event that crosses a pipe as JSON."""
    return {"event": "step", "name": step.name, "phase": step.phase, "detail": step.detail, "seconds": step.seconds}


class Progress:
    """Shows events as they come; a context, so that the spinner ends with it."""

    def __init__(self, out: TextIO) -> None:
        self._console = Console(file=out, highlight=False, soft_wrap=True)
        self._status = self._console.status("starting") if self._console.is_terminal else None
        self._starting: list[str] = []

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def show(self, event: Mapping[str, Any]) -> None:
        """Show one event: a step, the sample answer, or readiness with the addresses."""
        match event["event"]:
            case "step":
                self._step(event)
            case "answer":
                self._line(f"\n$ {event['command']}\n{event['text'].strip()}\n")
            case "ready":
                self._line(f"everything answers after {event['seconds']:.1f} s")
                for name, address in event["addresses"].items():
                    self._line(f"  {name:<14}{address}")

    def _step(self, event: Mapping[str, Any]) -> None:
        name, phase = event["name"], event["phase"]
        if phase == "starting":
            self._starting.append(name)
        elif name in self._starting:
            self._starting.remove(name)
        if self._status:
            self._status.update(f"starting {', '.join(self._starting)}" if self._starting else "working")
        if phase == "ready":
            detail = f"port {event['detail']}" if event["detail"].isdigit() else event["detail"]
            self._line(f"  ready    {name:<20}{event['seconds']:5.1f} s   {detail}")
        elif phase != "starting":
            self._line(f"  {phase:<9}{name:<20}{event['detail']}".rstrip())

    def _line(self, text: str) -> None:
        self._console.print(Text(text))
