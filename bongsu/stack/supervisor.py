"""Start the processes of a plan in order, keep them running, stop them in reverse order, leave none behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bongsu.core.errors import BongsuError, StateError, UnreachableError
from bongsu.stack import logs, pids
from bongsu.stack.child import Child, run_task, spawn, terminate
from bongsu.stack.plan import public_addresses
from bongsu.stack.ready import HttpReady, QueryReady, make_client, why_not
from bongsu.stack.specs import SETUP
from bongsu.stack.state import ProcessState, StackState, write_state

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from bongsu.stack.exporter import Exporter
    from bongsu.stack.home import Home
    from bongsu.stack.specs import Plan, ProcessSpec

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0
HEALTHY_SECONDS = 60.0
_SETUP_SECONDS = 300.0
_PROBE_SECONDS = 0.1
_LOG_CHECK_SECONDS = 5.0
_LEFT_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """Something the supervisor did: `phase` starting, ready, restarting, stopped or note; `seconds` since it began."""

    name: str
    phase: str
    detail: str = ""
    seconds: float = 0.0


def backoff(failures: int) -> float:
    """Return the pause before the restart that follows the `failures`-th failure in a row: 0.5 s, doubling to 30 s."""
    exponent = min(failures - 1, 10)  # 2 ** 1000 is no float
    return float(min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**exponent))


def levels(processes: Iterable[ProcessSpec], setup_depends: tuple[str, ...]) -> list[list[str]]:
    """Return the names in groups, each after all it depends on; raise StateError for a circle or an unknown name."""
    waiting = {spec.name: set(spec.depends) for spec in processes} | {SETUP: set(setup_depends)}
    groups: list[list[str]] = []
    while waiting:
        group = [name for name, depends in waiting.items() if not depends & set(waiting)]
        unknown = (
            {name for depends in waiting.values() for name in depends} - set(waiting) - {n for g in groups for n in g}
        )
        if not group or unknown:
            raise StateError(f"processes wait for each other or for nobody: {', '.join(sorted(unknown or waiting))}")
        groups.append(group)
        for name in group:
            del waiting[name]
    return groups


@dataclass(slots=True)
class _Slot:
    """What the supervisor knows about one process of the plan."""

    spec: ProcessSpec
    child: Child | None = None
    phase: str = "waiting"
    restarts: int = 0
    since: float = field(default_factory=time.time)
    ready_at: float = 0.0

    def enter(self, phase: str) -> None:
        self.phase, self.since = phase, time.time()


class Supervisor:
    """Runs one plan. Children are started from the thread of the event loop (see launch.py)."""

    def __init__(
        self, plan: Plan, home: Home, exporter: Exporter, report: Callable[[Step], None], *, die_with_parent: bool
    ) -> None:
        self._plan, self._home, self._exporter, self._report = plan, home, exporter, report
        self._die_with_parent = die_with_parent
        self._slots = {spec.name: _Slot(spec) for spec in plan.processes}
        self._levels = levels(plan.processes, plan.setup_depends)
        self._reached = {name: asyncio.Event() for name in (*self._slots, SETUP)}
        self._tasks: list[asyncio.Task[None]] = []
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._client = make_client()
        self._stopping = False
        self._abandoned = False
        self._ready = False

    def processes(self) -> tuple[ProcessState, ...]:
        """Return every process in the order of the plan."""
        return tuple(_public(slot) for slot in self._slots.values())

    async def start(self) -> None:
        """Start everything and return when all is ready; raise the first failure (stop() cleans up)."""
        logs.rotate(self._home.log)
        self._watch(self._rotate_logs())
        self._save()
        try:
            async with asyncio.TaskGroup() as group:
                for slot in self._slots.values():
                    group.create_task(self._bring_up(slot))
                group.create_task(self._set_up())
        except BaseExceptionGroup as errors:
            known = next((error for error in errors.exceptions if isinstance(error, BongsuError)), None)
            raise (known or errors.exceptions[0]) from None
        self._ready = True
        self._save()

    async def wait_for_failure(self) -> None:
        """Return never; raise when the supervision itself breaks."""
        await asyncio.shield(self._broken)

    async def abandon(self) -> None:
        """Restart nothing any more, and from now on stop by SIGKILL: the home is lost (a drill's disaster)."""
        self._abandoned = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Stop everything in reverse order, then whatever else carries the home's identity."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for group in reversed(self._levels):
            slots = [self._slots[name] for name in group if name in self._slots]
            await asyncio.gather(*(self._end(slot) for slot in slots))
        left = await asyncio.to_thread(
            lambda: pids.end(pids.members(self._home.identity), signal.SIGTERM, _LEFT_SECONDS)
        )
        await self._client.aclose()
        if left:
            raise StateError(f"processes that even SIGKILL did not end: {', '.join(str(pid) for pid, _ in left)}")
        self._home.state.unlink(missing_ok=True)
        if self._broken.done() and (error := self._broken.exception()) is not None:
            raise error

    # one process

    async def _bring_up(self, slot: _Slot) -> None:
        spec = slot.spec
        for name in spec.depends:
            await self._reached[name].wait()
        began = time.monotonic()
        self._report(Step(spec.name, "starting"))
        await self._spawn(slot)
        try:
            async with asyncio.timeout(spec.ready_within):
                await self._until_ready(slot)
        except TimeoutError:
            reason = await why_not(spec.ready, self._client) or "it answered only now"
            raise UnreachableError(
                f"{spec.name} was not ready within {spec.ready_within:g} s: {reason}\n{_indented(spec)}",
                where=str(spec.log),
            ) from None
        self._mark_ready(slot)
        self._watch(self._keep(slot))
        self._report(Step(spec.name, "ready", _where(spec), time.monotonic() - began))
        self._reached[spec.name].set()

    async def _spawn(self, slot: _Slot) -> None:
        spec = slot.spec
        slot.child = await spawn(
            spec.argv, spec.env, spec.cwd, spec.log, prefix=spec.prefix, die_with_parent=self._die_with_parent
        )
        slot.enter("starting")
        self._save()

    async def _until_ready(self, slot: _Slot) -> None:
        """Return when the process answers; raise StateError when it ends before."""
        child = slot.child
        while child is not None and await why_not(slot.spec.ready, self._client):
            if child.process.returncode is not None:
                raise _ended(slot.spec, child.process.returncode)
            await asyncio.sleep(_PROBE_SECONDS)
        # Somebody else may answer on the port while our process has failed to bind it.
        if child is not None and child.process.returncode is not None:
            raise _ended(slot.spec, child.process.returncode)

    def _mark_ready(self, slot: _Slot) -> None:
        slot.enter("running")
        slot.ready_at = time.monotonic()
        self._save()

    async def _keep(self, slot: _Slot) -> None:
        """Restart the process whenever it ends, with growing pauses while it does not stay up."""
        failures = 0
        while slot.child is not None:
            code = await slot.child.process.wait()
            healthy = slot.ready_at and time.monotonic() - slot.ready_at >= HEALTHY_SECONDS
            failures = 1 if healthy else failures + 1
            pause = backoff(failures)
            slot.restarts += 1
            slot.ready_at = 0.0
            slot.enter("restarting")
            self._exporter.restarted(slot.spec.name)
            self._save()
            said = f"{_how(code)}; restart {slot.restarts} in {pause:g} s"
            _log.warning("%s %s", slot.spec.name, said)
            self._report(Step(slot.spec.name, "restarting", said))
            await asyncio.sleep(pause)
            # When it cannot start, or ends again, the next turn of the loop says so.
            with contextlib.suppress(StateError, UnreachableError):
                await self._spawn(slot)
                await self._until_ready(slot)
                self._mark_ready(slot)
                _log.info("%s is ready again", slot.spec.name)
                self._report(Step(slot.spec.name, "ready", _where(slot.spec)))

    async def _end(self, slot: _Slot) -> None:
        if slot.child is not None:
            number = signal.SIGKILL if self._abandoned else slot.spec.stop_signal
            await terminate(slot.child, number, slot.spec.grace)
            slot.enter("stopped")
            if not self._abandoned:  # its home may be gone
                self._save()
            self._report(Step(slot.spec.name, "stopped"))

    # everything else

    async def _set_up(self) -> None:
        for name in self._plan.setup_depends:
            await self._reached[name].wait()
        for task in self._plan.setup:
            began = time.monotonic()
            self._report(Step(task.name, "starting", _shown(task.argv)))
            try:
                async with asyncio.timeout(_SETUP_SECONDS):
                    await run_task(task.argv, task.env, task.cwd, task.log, die_with_parent=self._die_with_parent)
            except TimeoutError:
                raise UnreachableError(
                    f"`{' '.join(task.argv)}` did not end within {_SETUP_SECONDS:g} s", where=str(task.log)
                ) from None
            except StateError as error:
                raise StateError(f"{error.what}\n{_tail(logs.tail(task.log))}", where=error.where) from None
            self._report(Step(task.name, "ready", _shown(task.argv), time.monotonic() - began))
        self._reached[SETUP].set()

    async def _rotate_logs(self) -> None:
        while True:
            await asyncio.sleep(_LOG_CHECK_SECONDS)
            logs.rotate(self._home.log)

    def _watch(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._note_end)
        self._tasks.append(task)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        """Hand the error of a task that nobody awaits to `wait_for_failure`: a supervisor must not die in silence."""
        if not task.cancelled() and (error := task.exception()) is not None and not self._broken.done():
            self._broken.set_exception(error)

    def _save(self) -> None:
        state = StackState(
            supervisor=os.getpid(),
            supervisor_known=pids.identity(os.getpid()) or "",
            ready=self._ready,
            processes=self.processes(),
            addresses=public_addresses(self._plan.urls),
        )
        write_state(self._home, state)


def _public(slot: _Slot) -> ProcessState:
    spec = slot.spec
    return ProcessState(
        name=spec.name,
        phase=slot.phase,
        pid=slot.child.pid if slot.child else 0,
        known=slot.child.known if slot.child else "",
        restarts=slot.restarts,
        since=slot.since,
        port=spec.port,
        log=str(spec.log),
        probe=spec.ready.url if isinstance(spec.ready, HttpReady) and not spec.ready.metric else "",
        stop_signal=spec.stop_signal.name,
    )


def _ended(spec: ProcessSpec, code: int) -> StateError:
    return StateError(f"{spec.name} {_how(code)} before it was ready\n{_indented(spec)}", where=str(spec.log))


def _how(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _indented(spec: ProcessSpec) -> str:
    return _tail(logs.tail(spec.log))


def _where(spec: ProcessSpec) -> str:
    """Return the port, or what is so once a process without one is ready."""
    return spec.ready.what if isinstance(spec.ready, QueryReady) else str(spec.port)


def _shown(argv: Sequence[str]) -> str:
    """Return a command line as a person would type it, without the folder of its program."""
    return " ".join((argv[0].rpartition("/")[2], *argv[1:]))


def _tail(text: str) -> str:
    return "\n".join(f"  | {line}" for line in text.splitlines()) or "  | (its log is empty)"
