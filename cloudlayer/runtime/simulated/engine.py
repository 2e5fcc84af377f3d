"""The engine of simulated machines: its replicas live in the world, on their machine, and vanish with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline, LogLine, ReplicaExit, ReplicaSpec, ReplicaState, ReplicaStatus, ReplicaUsage
from cloudlayer.runtime.simulated import faults
from cloudlayer.runtime.simulated.records import Document, ReplicaRecord, at, is_gone, running_since, settings_of
from cloudlayer.runtime.simulated.simulation import PROVIDER, Simulation
from cloudlayer.runtime.simulated.things import Change

_EXITS: Final[tuple[faults.ReplicaEffect, ...]] = ("crashed", "out_of_memory", "failed_to_load", "hangs")
_RESTARTED: Final = "its machine was restarted"


class SimulatedEngine:
    """Replicas of one simulated machine. They serve nothing, so their address is None.

    A machine that is coming up, is stopped or is cut off cannot be reached (TransientError). One that is gone has no replicas.
    """

    name = "simulated"

    def __init__(self, simulation: Simulation, machine: str) -> None:
        self._simulation = simulation
        self._machine = machine

    def prepare(self, spec: ReplicaSpec, *, deadline: Deadline | None = None) -> None:
        """Nothing has to be fetched; the call is in the journal."""
        self._simulation.perform("engine.prepare", spec.id, self._reach, deadline)

    def start(self, spec: ReplicaSpec, *, deadline: Deadline | None = None) -> ReplicaStatus:
        """Start the replica, or adopt it; one that was stopped stays so."""

        def operation(document: Document, now: float) -> ReplicaStatus:
            since = self._reach(document, now)
            there = document["replicas"].setdefault(self._machine, {})
            if spec.id in document["ended"].get(self._machine, []):
                return ReplicaStatus(spec.id, ReplicaState.EXITED, exit=ReplicaExit.STOPPED, labels=dict(spec.labels))
            if spec.id not in there:
                there[spec.id] = _record(document, spec, now)
            return status(there[spec.id], since, now)

        return self._simulation.perform("engine.start", spec.id, operation, deadline)

    def wait(self, id: str, *, deadline: Deadline) -> ReplicaStatus:
        """Let the world's time pass until the replica is ready or has ended, or the deadline comes."""
        while True:
            found = self.get(id)
            if found is None:
                return ReplicaStatus(id, ReplicaState.EXITED, exit=ReplicaExit.STOPPED, message="it is not there")
            if found.state is not ReplicaState.STARTING or deadline.remaining() <= 0 or deadline.cancelled.is_set():
                return found
            self._pass_time(id, deadline)

    def get(self, id: str, *, deadline: Deadline | None = None) -> ReplicaStatus | None:
        """The replica as it is now; None if it is not there."""
        found = self._simulation.perform("engine.get", id, self._statuses, deadline)
        return next((replica for replica in found if replica.id == id), None)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ReplicaStatus]:
        """Every replica of the machine that carries all of `labels`."""
        wanted = (labels or {}).items()
        found = self._simulation.perform("engine.list", self._machine, self._statuses, deadline)
        return [replica for replica in found if wanted <= replica.labels.items()]

    def stop(self, id: str, *, grace: float = 5.0, deadline: Deadline | None = None) -> None:
        """End the replica and forget it, but for its id, which never runs again here."""

        def operation(document: Document, now: float) -> None:
            if is_gone(document, self._machine, now):
                return
            self._reach(document, now)
            document["replicas"].get(self._machine, {}).pop(id, None)
            ended = document["ended"].setdefault(self._machine, [])
            if id not in ended:
                ended.append(id)

        self._simulation.perform("engine.stop", id, operation, deadline)

    def move_off(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Note that it is off its GPUs."""
        self._turn("engine.move_off", id, deadline, off=True)

    def bring_back(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Note that it is on its GPUs."""
        self._turn("engine.bring_back", id, deadline, off=False)

    def logs(self, id: str, *, tail: int = 100, call: str | None = None) -> Sequence[LogLine]:
        """What became of the replica, a line each; no call wrote any of them."""

        def operation(document: Document, now: float) -> Sequence[LogLine]:
            self._reach(document, now)
            record = document["replicas"].get(self._machine, {}).get(id)
            past = [change for change in record["timeline"] if change["at"] <= now] if record else []
            return [LogLine(" ".join(filter(None, (change["state"], change["reason"])))) for change in past]

        lines = self._simulation.perform("engine.logs", id, operation)
        return lines[-tail:] if tail > 0 and call is None else []

    def usage(self, *, deadline: Deadline | None = None) -> Mapping[str, ReplicaUsage]:
        """Nothing is measured: replicas here use what they were given, and work on nothing."""
        return {}

    def close(self) -> None:
        """Nothing is held."""

    def _turn(self, call: str, id: str, deadline: Deadline | None, *, off: bool) -> None:
        def operation(document: Document, now: float) -> None:
            self._reach(document, now)
            record = document["replicas"].get(self._machine, {}).get(id)
            if record is None:
                raise EngineError(f"replica {id} is not on machine {self._machine}")
            record["off"] = off

        self._simulation.perform(call, id, operation, deadline)

    def _reach(self, document: Document, now: float) -> float:
        since = running_since(document, self._machine, now)
        if since is None:
            raise TransientError(f"machine {self._machine} is not running", provider=PROVIDER, code="MachineNotRunning")
        if self._machine in document["cut_off"]:
            raise TransientError(f"machine {self._machine} does not answer", provider=PROVIDER, code="MachineCutOff")
        return since

    def _statuses(self, document: Document, now: float) -> Sequence[ReplicaStatus]:
        if is_gone(document, self._machine, now):
            return []
        since = self._reach(document, now)
        return [status(record, since, now) for record in document["replicas"].get(self._machine, {}).values()]

    def _pass_time(self, id: str, deadline: Deadline) -> None:
        document = self._simulation.store.read()
        now = self._simulation.now(document)
        record = document["replicas"].get(self._machine, {}).get(id)
        ahead = [change["at"] - now for change in record["timeline"] if change["at"] > now] if record else []
        step = min([*ahead, deadline.remaining()]) if ahead else min(0.05, deadline.remaining())
        self._simulation.clock.sleep(step)
        if not ahead and deadline.clock is not self._simulation.clock:
            deadline.clock.sleep(step)


def status(record: ReplicaRecord, since: float, now: float) -> ReplicaStatus:
    """A replica on a machine that runs since `since`."""
    change = at(record["timeline"], now)
    state = ReplicaState(change["state"]) if change else ReplicaState.STARTING
    labels = dict(record["labels"])
    if state is not ReplicaState.EXITED and record["started_at"] < since:
        return ReplicaStatus(record["id"], ReplicaState.EXITED, exit=ReplicaExit.CRASHED, message=_RESTARTED, labels=labels)
    if state is not ReplicaState.EXITED or change is None:
        return ReplicaStatus(record["id"], state, handle=f"simulated-{record['id']}", labels=labels)
    how = change["reason"] or ReplicaExit.CRASHED
    return ReplicaStatus(record["id"], state, exit=ReplicaExit(how), message=f"simulated: {how}", labels=labels)


def _record(document: Document, spec: ReplicaSpec, now: float) -> ReplicaRecord:
    fault = faults.due(document, _EXITS, function=spec.function)
    ready_at = now + settings_of(document).replica_seconds
    coming: list[tuple[float, ReplicaState, str | None]] = [(now, ReplicaState.STARTING, None)]
    if fault is None or (fault.effect not in ("hangs", "failed_to_load") and now + fault.seconds > ready_at):
        coming.append((ready_at, ReplicaState.READY, None))
    if fault is not None and fault.effect != "hangs":
        coming.append((now + fault.seconds, ReplicaState.EXITED, fault.effect))
    return ReplicaRecord(
        id=spec.id,
        function=spec.function,
        version=spec.version,
        cpu=spec.cpu,
        memory=spec.memory,
        devices=list(spec.devices),
        gpu_profile=spec.gpu_profile,
        slices=list(spec.slices),
        labels=dict(spec.labels),
        started_at=now,
        timeline=[Change(at=moment, reads=0, state=state, reason=reason) for moment, state, reason in coming],
    )
