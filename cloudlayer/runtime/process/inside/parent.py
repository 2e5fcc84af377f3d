"""Confines itself, then becomes a replica, or a warm parent that forks replicas. Its argument is the channel's descriptor.

A warm parent lives as long as its engine: when the other end of the channel closes it ends, and its replicas live on.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import channel, imports, replica, sandbox


class Parent:
    """A warm parent: forks when it is told to, and writes into a replica's state how it ended."""

    def __init__(self, engine: socket.socket) -> None:
        self._engine = engine
        self._states: dict[int, tuple[int, int]] = {}
        self._poll = select.poll()
        self._poll.register(engine, select.POLLIN)

    def serve(self) -> socket.socket | None:
        """Serve the engine until it is gone; in a forked child, return at once with the channel to wait on."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != self._engine.fileno():
                    self._ended(descriptor)
                    continue
                try:
                    control = self._command(*channel.receive(self._engine))
                except EOFError:
                    return None
                if control is not None:
                    return control

    def _command(self, message: dict[str, Any], descriptors: list[int]) -> socket.socket | None:
        if message["command"] == "watch":
            self._watch(message["pid"], descriptors[0])
            return None
        control, *entrances = descriptors
        pid = os.fork()
        if pid == 0:
            return self._as_child(control, entrances)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(self._engine, {"pid": pid})
        return None

    def _as_child(self, control: int, entrances: list[int]) -> socket.socket:
        self._engine.close()
        for pair in self._states.items():
            os.close(pair[0])
            os.close(pair[1][1])
        os.setsid()
        replica.enter_group(entrances)
        return socket.socket(fileno=control)

    def _watch(self, pid: int, state: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            os.close(state)
            return
        self._states[descriptor] = (pid, state)
        self._poll.register(descriptor, select.POLLIN)

    def _ended(self, descriptor: int) -> None:
        pid, state = self._states.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        # Its pid, and with it its process group, is its own until it is reaped.
        result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        if result is not None:
            code = result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
            os.write(state, f"exit {code}\n".encode())
        os.close(state)
        os.waitpid(pid, 0)


def main() -> int:
    """The exit code."""
    engine = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(engine.fileno(), False)
    plan, entrances = channel.receive(engine)
    try:
        sandbox.enter(plan)
    except OSError as error:
        channel.send(engine, {"refused": str(error)})
        return 1
    imports.set_path(plan["requirements"])
    replica.enter_group(entrances)
    if not plan["fork"]:
        channel.send(engine, {"forkable": False})
        return replica.become(engine)
    forkable = imports.warm(imports.wanted(Path(plan["source"])) if plan["warm"] else [])
    from cloudlayer_worker import server  # type: ignore[import-not-found]  # noqa: F401

    channel.send(engine, {"forkable": forkable})
    if not forkable:
        return 0
    gc.collect()
    gc.freeze()
    control = Parent(engine).serve()
    return replica.become(control) if control is not None else 0
