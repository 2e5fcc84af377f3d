"""Tells a waiting child which replica it is, with the files that it needs for that."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any, Final

from cloudlayer.interfaces import Deadline, ReplicaSpec
from cloudlayer.runtime.process.inside import channel
from cloudlayer.runtime.process.parents import Child, Groups, Parent
from cloudlayer.runtime.process.plan import Plan, data_limit
from cloudlayer.runtime.process.record import Records

_BEGIN_WITHIN: Final = 30.0
_REPLENISH_AFTER: Final = 0.05


class Started:
    """What this engine holds of a replica that it started: word of its readiness, and its exit code if it is its parent."""

    def __init__(self, announced: int, parent: Parent | None, process: subprocess.Popen[bytes] | None) -> None:
        self._announced: int | None = announced
        self._lock = threading.Lock()
        self._parent = parent
        self._process = process

    def wait(self, seconds: float) -> bool:
        """Wait for word that it is ready or dead; False if there is none to be had, or another thread waits for it."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._announced is None:
                return False
            if select.select([self._announced], [], [], seconds)[0]:
                self._let_go()
            return True
        finally:
            self._lock.release()

    def settled(self) -> None:
        """It is no longer starting: make ready for the next one."""
        self.close()
        parent, self._parent = self._parent, None
        if parent is not None:
            # Its first call is on the way: making another child now would take the processor from it.
            timer = threading.Timer(_REPLENISH_AFTER, parent.replenish)
            timer.daemon = True
            timer.start()

    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None if it lives or is no child of ours."""
        return self._process.poll() if self._process is not None else None

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._let_go()
        if self._process is not None:
            self._process.poll()

    def _let_go(self) -> None:
        announced, self._announced = self._announced, None
        if announced is not None:
            os.close(announced)


class Launch:
    """One try to start one replica."""

    def __init__(self, spec: ReplicaSpec, plan: Plan, child: Child, records: Records, groups: Groups) -> None:
        self._spec = spec
        self._plan = plan
        self._child = child
        self._records = records
        self._groups = groups
        self._folder = records.path(spec.id)

    def run(self, deadline: Deadline | None) -> Started | None:
        """What to hold on to; None if the id ended, or belongs to another process, or the child died at once."""
        announced, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):  # the folder, or the child, is gone
                self._tell(theirs)
            os.close(theirs)
            self._child.control.close()
            seconds = min(_BEGIN_WITHIN, deadline.remaining()) if deadline else _BEGIN_WITHIN
            if select.select([announced], [], [], seconds)[0] and os.read(announced, 1):
                return Started(announced, self._child.parent, self._child.process)
        except BaseException:
            os.close(announced)
            raise
        os.close(announced)
        self._clear()
        return None

    def _tell(self, announce: int) -> None:
        if self._records.ended(self._spec.id):
            return
        with contextlib.ExitStack() as opened:
            state = _opened(opened, self._folder / "state", os.O_RDWR | os.O_APPEND)
            log = _opened(opened, self._folder / "log", os.O_WRONLY | os.O_APPEND)
            listener = opened.enter_context(socket.socket(socket.AF_UNIX))
            path = self._records.socket(self._spec.id, self._child.token)
            listener.bind(path)
            Path(path).chmod(0o600)
            if self._child.parent is not None:
                self._child.parent.watch(self._child.pid, state)
            channel.send(self._child.control, self._request(), [state, listener.fileno(), log, announce])

    def _request(self) -> dict[str, Any]:
        return {
            "token": self._child.token,
            "source": str(self._plan.content.source),
            "folder": str(self._folder / "tmp"),
            "data_limit": data_limit(self._spec),
            "environment": self._environment(),
        }

    def _environment(self) -> dict[str, str]:
        spec, folder = self._spec, str(self._folder / "tmp")
        devices = ",".join(map(str, spec.devices))
        gateway = {"CLOUDLAYER_GATEWAY_SOCKET": str(spec.gateway_socket)} if spec.gateway_socket else {}
        own = {"CLOUDLAYER_REPLICA": spec.id, "CLOUDLAYER_CONCURRENCY": str(spec.concurrency), "CUDA_VISIBLE_DEVICES": devices}
        models = {"CLOUDLAYER_MODELS": str(self._plan.content.models)} if self._plan.content.models else {}
        return {**self._plan.environment(), "HOME": folder, "TMPDIR": folder, **spec.environment, **own, **gateway, **models}

    def _clear(self) -> None:
        """Remove what this try made: another has the replica, or nobody."""
        Path(self._records.socket(self._spec.id, self._child.token)).unlink(missing_ok=True)
        if self._child.process is not None:
            self._child.process.wait()
        self._groups.of(self._child.token).remove()


def _opened(stack: contextlib.ExitStack, path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    return descriptor
