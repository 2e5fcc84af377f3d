"""The engine itself: starts, watches and stops replicas; all that it knows of them is on disk, see `record`."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError, Unsupported
from cloudlayer.interfaces import (
    Deadline,
    LogLine,
    MachineContext,
    ReplicaExit,
    ReplicaSpec,
    ReplicaState,
    ReplicaStatus,
    ReplicaUsage,
)
from cloudlayer.labels import OWNER
from cloudlayer.runtime.models import models_folder
from cloudlayer.runtime.process import cgroups, ends
from cloudlayer.runtime.process.launch import Launch, Started
from cloudlayer.runtime.process.measuring import measured
from cloudlayer.runtime.process.parents import Groups
from cloudlayer.runtime.process.plan import Content, Plan, plan_for, weaknesses
from cloudlayer.runtime.process.record import Life, Record, Records
from cloudlayer.runtime.process.remains import kill_remains
from cloudlayer.runtime.process.warmth import Warmth
from cloudlayer.runtime.requirements import requirements_folder
from cloudlayer.runtime.sources import snapshot, source_digest, worker_snapshot

_log = logging.getLogger(__name__)
_LARGEST_LOG: Final = 8 * 1024**2
_STATUS_WITHIN: Final = 0.5
_POLL: Final = 0.002
_KILL_WITHIN: Final = 5.0


class ProcessEngine:
    """Replicas as processes of this host."""

    name = "process"

    def __init__(self, machine: MachineContext) -> None:
        self._machine = machine
        self._records = Records(machine.folder)
        self._groups = Groups(cgroups.detect(), hashlib.sha256(str(machine.folder.resolve()).encode()).hexdigest()[:16])
        self._warmth = Warmth(self._groups, fork=os.environ.get("CLOUDLAYER_FORK") != "0")
        self._started: dict[str, Started] = {}
        self._plans: dict[tuple[object, ...], Plan] = {}
        self._worker: Path | None = None
        self._tidied = False
        self._lock = threading.Lock()

    def prepare(self, spec: ReplicaSpec, *, deadline: Deadline | None = None) -> None:
        """Snapshot the source, install its requirements, start its warm parent."""
        parent = self._warmth.parent(self._plan(spec, deadline), deadline)
        if parent is not None:
            parent.replenish()

    def start(self, spec: ReplicaSpec, *, deadline: Deadline | None = None) -> ReplicaStatus:
        """Start the replica, or adopt the one that has this id. Unsupported for one on a MIG instance."""
        if spec.gpu_profile is not None:
            raise Unsupported("the process engine makes no MIG instances: ask for a share by memory and compute")
        if self._records.ended(spec.id):
            return _stopped(spec.id, spec.labels)
        if (status := self.get(spec.id)) is not None:
            return status
        plan = self._plan(spec, deadline)
        self._records.create(Record(spec.id, spec.function, spec.version, plan.user, dict(spec.labels)))
        child = self._warmth.child(plan, deadline)
        started = Launch(spec, plan, child, self._records, self._groups).run(deadline)
        if started is not None:
            with self._lock:
                self._started[spec.id] = started
        status = self.get(spec.id)
        if status is not None:
            return status
        if self._records.ended(spec.id):
            self._records.remove(spec.id)
            return _stopped(spec.id, spec.labels)
        raise EngineError(f"{spec.function}: its process could not be started; {self._last_words(spec.id)}")

    def wait(self, id: str, *, deadline: Deadline) -> ReplicaStatus:
        """The replica once it is no longer starting, or as it is when the deadline comes."""
        while True:
            status = self.get(id)
            if status is None:
                raise EngineError(f"replica {id} is not on machine {self._machine.id}: start it first")
            started = self._started.get(id)
            if status.state is not ReplicaState.STARTING:
                if started is not None:
                    started.settled()
                return status
            if deadline.cancelled.is_set():
                deadline.check(f"waiting for replica {id}")
            if deadline.remaining() <= 0:
                return status
            if started is None or not started.wait(min(0.05, deadline.remaining())):
                deadline.clock.sleep(_POLL)

    def get(self, id: str, *, deadline: Deadline | None = None) -> ReplicaStatus | None:
        """The replica as it is now; None if it is not there (or never began)."""
        record = self._records.read(id)
        return self._status(record) if record is not None else None

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ReplicaStatus]:
        """Every replica of this machine that carries all of `labels`."""
        self._tidy()
        wanted = (labels or {}).items()
        statuses = [self._status(record) for record in self._records.all() if wanted <= dict(record.labels).items()]
        return [status for status in statuses if status is not None]

    def stop(self, id: str, *, grace: float = 5.0, deadline: Deadline | None = None) -> None:
        """End the replica and remove all trace but the note that it ended. Gone, with all it started, when this returns."""
        self._records.bury(id)
        self._records.note(id, "stopped")
        life = self._records.life(id)
        if life is not None:
            self._end(id, life, grace, deadline)
            self._records.remove(id)
        with self._lock:
            started = self._started.pop(id, None)
        if started is not None:
            started.close()

    def move_off(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Unsupported: what a process has on a GPU is moved by the machine's root, for containers alone."""
        raise Unsupported('the process engine moves nothing off a GPU: name engine = "docker"')

    def bring_back(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Nothing: what was never moved off is there."""

    def logs(self, id: str, *, tail: int = 100, call: str | None = None) -> Sequence[LogLine]:
        """The last `tail` lines that the replica wrote, in one call if that is named."""
        return ends.last_lines(self._records.path(id) / "log", tail, call)

    def usage(self, *, deadline: Deadline | None = None) -> Mapping[str, ReplicaUsage]:
        """What each running replica uses now: its control group's processes, or its first one where there are no groups."""
        lives = ((record.id, self._records.life(record.id)) for record in self._records.all())
        running = [(each, life.token, life.holder) for each, life in lives if life is not None and life.holder is not None]
        found = {each: measured(self._groups.of(token).processes() or {holder}) for each, token, holder in running}
        return {each: one for each, one in found.items() if one is not None}

    def check(self) -> Sequence[str]:
        """What keeps functions less apart here than they could be, a line each with its mend."""
        found = weaknesses()
        if not self._groups.hierarchies:
            found.append(
                "process engine: control groups cannot be written, so processor limits do not hold; run as root on a host"
            )
        return found

    def close(self) -> None:
        """End the warm parents. Replicas run on."""
        self._warmth.close()
        with self._lock:
            started, self._started = list(self._started.values()), {}
        for one in started:
            one.close()
        self._groups.leave()

    def _plan(self, spec: ReplicaSpec, deadline: Deadline | None) -> Plan:
        if spec.source is None:
            raise EngineError(f'{spec.function}: the process engine runs source folders; an image needs engine = "docker"')
        owner = spec.labels.get(OWNER)
        content = (spec.source, spec.source_digest, spec.models)
        key = (spec.function, content, spec.cpu, spec.memory, spec.internet, spec.gateway_socket, owner)
        known = self._plans.get(key) if spec.source_digest else None
        if known is not None and spec.models:
            models_folder(spec.models, self._machine.cache, deadline)  # which may have been removed as unused
        if known is None:
            known = self._plans[key] = self._new_plan(spec, spec.source, deadline)
        return known

    def _new_plan(self, spec: ReplicaSpec, folder: Path, deadline: Deadline | None) -> Plan:
        cache = self._machine.cache
        source = snapshot(folder, cache, spec.source_digest or source_digest(folder))
        models = models_folder(spec.models, cache, deadline) if spec.models else None
        content = Content(source, requirements_folder(source, cache, deadline), self._runtime(), models)
        return plan_for(spec, content, self._machine.folder, cache)

    def _tidy(self) -> None:
        """Clear what crashed engines left, once."""
        with self._lock:
            if self._tidied:
                return
            self._tidied = True
        self._records.prepare()
        self._groups.clear(self._owned_groups())
        for weakness in self.check():
            _log.warning("%s", weakness)

    def _runtime(self) -> Path:
        """What is to run in a replica beside the function."""
        self._tidy()
        with self._lock:
            if self._worker is None:
                inside = Path(__file__).parent / "inside"
                self._worker = worker_snapshot(self._machine.cache, cloudlayer_process=inside)
            return self._worker

    def _owned_groups(self) -> set[str]:
        lives = (self._records.life(record.id) for record in self._records.all())
        return {life.token for life in lives if life is not None}

    def _status(self, record: Record) -> ReplicaStatus | None:
        life = self._records.life(record.id)
        if life is None or not life.began:
            return None
        log = self._records.path(record.id) / "log"
        if life.holder is None:
            end = self._records.end(record.id) or self._find_out(record.id, life)
            reason = ReplicaExit(end["exit"])
            return ReplicaStatus(record.id, ReplicaState.EXITED, None, str(life.pid), reason, end["message"], record.labels)
        ends.bound(log, _LARGEST_LOG)
        state = ReplicaState.READY if "ready" in life.events else ReplicaState.STARTING
        address = f"unix:{self._records.socket(record.id, life.token)}" if life.token else None
        return ReplicaStatus(record.id, state, address, str(life.holder), labels=record.labels)

    def _find_out(self, id: str, life: Life) -> dict[str, str]:
        """How a replica ended, noted for good; what it left running is killed."""
        life = self._with_status(id, life)
        group, folder = self._groups.of(life.token), self._records.path(id)
        out_of_memory = group.out_of_memory()
        kill_remains(group, id, folder, life.pid)
        reason, message = ends.ending(life, out_of_memory, folder / "log")
        end = {"exit": reason.value, "message": message}
        self._records.note_end(id, end)
        return end

    def _with_status(self, id: str, life: Life) -> Life:
        """Its life with its exit status, which its parent writes a moment after its death, if it still has one."""
        started = self._started.get(id)
        until = time.monotonic() + _STATUS_WITHIN
        while "exit" not in life.events and time.monotonic() < until:
            code = started.exit_code() if started is not None else None
            if code is not None:
                self._records.note(id, "exit", str(code))
            elif not Path(f"/proc/{life.pid}").exists():
                return self._records.life(id) or life
            else:
                time.sleep(_POLL)
            life = self._records.life(id) or life
        return life

    def _end(self, id: str, life: Life, grace: float, deadline: Deadline | None) -> None:
        until = time.monotonic() + (min(grace, deadline.remaining()) if deadline else grace)
        if life.holder is not None:
            _signal(life.holder, signal.SIGTERM)
            while life.holder is not None and time.monotonic() < until:
                time.sleep(_POLL)
                life = self._records.life(id) or life
        until = time.monotonic() + _KILL_WITHIN
        while True:
            if life.holder is not None:
                _signal(life.holder, signal.SIGKILL, group=True)
            if life.token:
                kill_remains(self._groups.of(life.token), id, self._records.path(id), life.pid)
            life = self._records.life(id) or life
            if life.holder is None:
                break
            if time.monotonic() > until:
                raise EngineError(f"replica {id} (pid {life.holder}) cannot be killed: it hangs in the kernel; look at dmesg")
            time.sleep(_POLL)
        Path(self._records.socket(id, life.token)).unlink(missing_ok=True)

    def _last_words(self, id: str) -> str:
        lines = self.logs(id, tail=1)
        return f"its last words: {lines[0].text}" if lines else "it said nothing; see the log of this host"


def _stopped(id: str, labels: Mapping[str, str]) -> ReplicaStatus:
    return ReplicaStatus(id, ReplicaState.EXITED, exit=ReplicaExit.STOPPED, message="was stopped before", labels=labels)


def _signal(pid: int, number: signal.Signals, *, group: bool = False) -> None:
    try:
        os.kill(pid, number)
        if group:
            os.killpg(pid, number)
    except ProcessLookupError:
        return
