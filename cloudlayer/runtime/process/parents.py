"""The engine's side of what it starts: warm parents, and the children that wait to become replicas."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.process.cgroups import Group, Hierarchies
from cloudlayer.runtime.process.inside import channel
from cloudlayer.runtime.process.plan import Plan, interpreter

_START: Final = (
    "import sys; sys.path.append(sys.argv[2]); from cloudlayer_process.parent import main; code = main(); sys.exit(code)"
)


def start_time(pid: str) -> str:
    """When a process started, in the kernel's own count; "" if it is dead. With its pid it names a process for good."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    # One that nobody has reaped is dead all the same: the first process of a container may take its time, or never do it.
    return "" if fields[0] in "ZX" else fields[19]


Launched = tuple[subprocess.Popen[bytes], socket.socket, bool]


class Refused(EngineError):
    """The system did not let a process confine itself."""


@dataclass(slots=True)
class Child:
    """A process that waits to be told which replica it is. `token` names it, and its control group where there are any.

    `parent` forked it, or it is `process`, a child of this very process.
    """

    pid: int
    token: str
    control: socket.socket
    parent: Parent | None = None
    process: subprocess.Popen[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """Where the control groups of a machine's replicas are made."""

    hierarchies: Hierarchies
    machine: str

    def of(self, name: str) -> Group:
        """The group of that name; one without folders where the host has no groups for us."""
        return self.hierarchies.group(self.machine, name)

    def create(self, plan: Plan) -> str:
        """Make a group with the plan's limits, as far as this host has such; its name."""
        pid = str(os.getpid())
        name = f"{pid}-{start_time(pid)}-{os.urandom(4).hex()}"
        self.of(name).create(plan.memory, plan.cpu)
        return name

    def leave(self) -> None:
        """Remove what holds the machine's groups, unless some are left."""
        for folder in self.of("any").folders:
            with contextlib.suppress(OSError):
                folder.parent.rmdir()

    def clear(self, keep: set[str]) -> None:
        """Remove the groups that no replica owns and whose engine is dead."""
        for name in self.hierarchies.names(self.machine) - keep:
            pid, _, started = name.rpartition("-")[0].partition("-")
            if start_time(pid) != started:
                self.of(name).remove()


def _launch(plan: Plan, first: dict[str, Any], entrances: Sequence[int], deadline: Deadline | None) -> Launched:
    """Start a process of the plan, and hear whether it could confine itself and whether it can fork."""
    ours, theirs = channel.pair()
    with theirs, tempfile.TemporaryFile() as words:
        command = [str(interpreter()), "-I", "-S", "-c", _START, str(theirs.fileno()), str(plan.content.worker)]
        process = subprocess.Popen(
            command,
            env=plan.environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            umask=0o077,
        )
        theirs.close()
        try:
            channel.send(ours, first, entrances)
            return process, ours, _hello(ours, deadline)["forkable"]
        except BaseException as error:
            ours.close()
            process.kill()
            process.wait()
            if isinstance(error, EOFError | OSError):
                words.seek(0)
                last = words.read().decode("utf-8", "replace").strip().splitlines()[-1:]
                raise EngineError(f"a function's process died while it was prepared: {''.join(last) or 'no word'}") from None
            raise


def _hello(ours: socket.socket, deadline: Deadline | None) -> dict[str, Any]:
    """The other side's first message. Refused if it could not confine itself, EOFError if it died."""
    ready, _, _ = select.select([ours], [], [], deadline.remaining() if deadline else None)
    if not ready:
        raise TransientError("out of time while a function's modules were imported", code="deadline")
    message, _ = channel.receive(ours)
    if "refused" in message:
        raise Refused(f"the process engine cannot confine a function: {message['refused']}; use the docker engine")
    return message


def spawn(plan: Plan, groups: Groups, deadline: Deadline | None) -> Child:
    """A child of our own, with nothing loaded ahead."""
    group = groups.create(plan)
    entrances = groups.of(group).entrances()
    try:
        process, ours, _ = _launch(plan, plan.message(fork=False, warm=False), entrances, deadline)
    except BaseException:
        groups.of(group).remove()
        raise
    finally:
        for entrance in entrances:
            os.close(entrance)
    return Child(process.pid, group, ours, process=process)


class Parent:
    """A warm parent for one plan. `forkable` is False where importing ahead started threads: then nothing is forked."""

    def __init__(self, plan: Plan, groups: Groups, deadline: Deadline | None = None) -> None:
        self.plan = plan
        self._groups = groups
        self._lock = threading.Lock()
        self._asked: tuple[str, socket.socket] | None = None
        try:
            launched = _launch(plan, plan.message(fork=True, warm=True), (), deadline)
        except Refused:
            raise
        except EngineError:
            # A module that takes Python down when it is imported must not keep the others from being served.
            launched = _launch(plan, plan.message(fork=True, warm=False), (), deadline)
        self._process, self._channel, self.forkable = launched
        if not self.forkable:
            self.close()

    @property
    def alive(self) -> bool:
        """Whether it can still fork."""
        return self._process.poll() is None

    def take(self) -> Child:
        """A child, the one that waits if there is one. EngineError if the warm parent is gone."""
        with self._lock:
            if self._asked is None:
                self._ask()
            return self._answer()

    def replenish(self) -> None:
        """Have a child made that waits for the next start: joining a control group can take 15 ms."""
        with self._lock:
            if self._asked is None and self.alive:
                with contextlib.suppress(EngineError):  # it dies just now: the next start will see
                    self._ask()

    def watch(self, pid: int, state: int) -> None:
        """Have the child's exit status written to a file."""
        self._send({"command": "watch", "pid": pid}, [state])

    def close(self) -> None:
        """End the warm parent, and the child that waits. Replicas live on."""
        with self._lock:
            self._channel.close()
            if self._asked is not None:
                name, control = self._asked
                control.close()
                self._asked = None
                self._end()
                self._groups.of(name).remove()
            else:
                self._end()

    def _end(self) -> None:
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self) -> None:
        group = self._groups.create(self.plan)
        entrances = self._groups.of(group).entrances()
        ours, theirs = channel.pair()
        try:
            with theirs:
                self._send({"command": "fork"}, [theirs.fileno(), *entrances])
        except BaseException:
            ours.close()
            self._groups.of(group).remove()
            raise
        finally:
            for entrance in entrances:
                os.close(entrance)
        self._asked = (group, ours)

    def _answer(self) -> Child:
        assert self._asked is not None  # noqa: S101  (asked for above)
        (group, control), self._asked = self._asked, None
        try:
            message, _ = channel.receive(self._channel)
        except EOFError:
            control.close()
            self._groups.of(group).remove()
            raise EngineError("a function's warm parent died") from None
        return Child(message["pid"], group, control, parent=self)

    def _send(self, message: dict[str, Any], descriptors: list[int]) -> None:
        try:
            channel.send(self._channel, message, descriptors)
        except OSError:
            raise EngineError("a function's warm parent died") from None
