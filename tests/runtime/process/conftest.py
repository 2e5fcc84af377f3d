"""A machine that is this host, its engines, and a count of what is left when a test is over."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cloudlayer.interfaces import Deadline, MachineContext, ReplicaSpec, ReplicaState, ReplicaStatus
from cloudlayer.labels import OWNER
from cloudlayer.runtime.process.engine import ProcessEngine
from tests.runtime.functions import function, until

MIB = 1024**2
ECHO = "def apply(input):\n    return input\n"


class Host:
    """One machine on this host, with engines on it as need be."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.context = MachineContext("m-1", root / "m", root / "cache")
        # A function's user hangs on its owner: tests that run side by side must not meet each other's processes.
        self.owner = uuid.uuid4().hex
        self.engines: list[ProcessEngine] = []

    def engine(self) -> ProcessEngine:
        """An engine as a controller would make it, new each time."""
        self.engines.append(ProcessEngine(self.context))
        return self.engines[-1]

    def spec(self, code: str = ECHO, /, files: dict[str, str] | None = None, **fields: Any) -> ReplicaSpec:
        source = function(self.root / f"source-{uuid.uuid4().hex[:8]}", code, **(files or {}))
        given = {"function": "test/F", "version": "1.0.0", "cpu": 1.0, "memory": 96 * MIB, "labels": {OWNER: self.owner}}
        return ReplicaSpec(id=str(uuid.uuid4()), source=source, **(given | fields))

    def run(self, engine: ProcessEngine, spec: ReplicaSpec) -> ReplicaStatus:
        """Start and wait."""
        engine.start(spec)
        return engine.wait(spec.id, deadline=Deadline.after(20))

    def until_ended(self, engine: ProcessEngine, id: str) -> ReplicaStatus:
        return until(lambda: (status := engine.get(id)) and status.state is ReplicaState.EXITED and status)

    def processes(self) -> list[psutil.Process]:
        """Every process that this machine's engines started, found by what it holds open or runs from."""
        found = []
        for process in psutil.process_iter():
            try:
                marked = [*process.cmdline(), *(file.path for file in process.open_files()), process.cwd()]
                status = process.status()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if status != psutil.STATUS_ZOMBIE and process.pid != psutil.Process().pid and str(self.root) in str(marked):
                found.append(process)
        return found


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "never-to-be-seen")
    root = Path(tempfile.mkdtemp(prefix="cl-"))
    host = Host(root)
    yield host
    last = host.engine()
    for status in last.list():
        last.stop(status.id, grace=0.0)
    for engine in host.engines:
        engine.close()
    left = until(lambda: not host.processes() or None, 3.0) if host.processes() else True
    assert left, host.processes()
    assert [folder.parent for folder in last._groups.of("x").folders if folder.parent.exists()] == []
    shutil.rmtree(root)


@pytest.fixture
def engine(host: Host) -> ProcessEngine:
    return host.engine()
