"""The engines of this host's machines: which there are, and what runs in them on one machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from cloudlayer.errors import CloudError, CloudLayerError, TransientError
from cloudlayer.interfaces import Deadline, Engine, LogLine, MachineContext, ReplicaSpec, ReplicaStatus, ReplicaUsage
from cloudlayer.providers.local.files import PASSABLE
from cloudlayer.providers.local.records import MachineRecord, Records
from cloudlayer.runtime import registry

_ROUNDS: Final = 3
_AT_ONCE: Final = 16


class EngineWithDevices:
    """An engine on a machine that has some of the host's GPUs: replicas count the machine's own, from 0."""

    def __init__(self, engine: Engine, devices: Sequence[int]) -> None:
        """`devices` are the host's indices of the machine's GPUs, in the machine's order."""
        self._engine = engine
        self._devices = devices

    @property
    def name(self) -> str:
        """The engine's name."""
        return self._engine.name

    def prepare(self, spec: ReplicaSpec, *, deadline: Deadline | None = None) -> None:
        """Fetch or build what the replica needs."""
        self._engine.prepare(self._on_host(spec), deadline=deadline)

    def start(self, spec: ReplicaSpec, *, deadline: Deadline | None = None) -> ReplicaStatus:
        """Start the replica, or adopt it."""
        return self._engine.start(self._on_host(spec), deadline=deadline)

    def wait(self, id: str, *, deadline: Deadline) -> ReplicaStatus:
        """The replica once it is no longer starting."""
        return self._engine.wait(id, deadline=deadline)

    def get(self, id: str, *, deadline: Deadline | None = None) -> ReplicaStatus | None:
        """The replica as it is now."""
        return self._engine.get(id, deadline=deadline)

    def stop(self, id: str, *, grace: float = 5.0, deadline: Deadline | None = None) -> None:
        """End the replica and remove all trace of it."""
        self._engine.stop(id, grace=grace, deadline=deadline)

    def move_off(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Move what the replica has on its GPUs to the host's memory."""
        self._engine.move_off(id, deadline=deadline)

    def bring_back(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Bring it back to its GPUs."""
        self._engine.bring_back(id, deadline=deadline)

    def logs(self, id: str, *, tail: int = 100, call: str | None = None) -> Sequence[LogLine]:
        """The last lines that the replica wrote, in one call if that is named."""
        return self._engine.logs(id, tail=tail, call=call)

    def usage(self, *, deadline: Deadline | None = None) -> Mapping[str, ReplicaUsage]:
        """What each running replica uses now, by the machine's own devices."""
        own = {device: index for index, device in enumerate(self._devices)}
        found = self._engine.usage(deadline=deadline)
        return {
            replica: replace(one, gpu={own[device]: used for device, used in one.gpu.items() if device in own})
            for replica, one in found.items()
        }

    def close(self) -> None:
        """Let go of what this process holds."""
        self._engine.close()

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ReplicaStatus]:
        """Every replica of this machine that carries all of `labels`."""
        return self._engine.list(labels, deadline=deadline)

    def _on_host(self, spec: ReplicaSpec) -> ReplicaSpec:
        return replace(spec, devices=tuple(self._devices[index] for index in spec.devices))


def connect(records: Records, name: str, machine: str) -> Engine:
    """The engine of that name on a machine; from now on a deletion of the machine looks for replicas in it."""
    folder = records.folder(machine) / name
    if not folder.exists():
        with records.locked():
            if records.machine(machine) is not None:
                folder.mkdir(exist_ok=True)
                folder.chmod(PASSABLE)
    return registry.connect_engine(name, _context(records, machine, folder))


def stop_replicas(records: Records, machine: MachineRecord, deadline: Deadline | None) -> None:
    """Stop all that runs on a machine, in every engine that was ever connected to it."""
    for name in registry.engine_names():
        folder = records.folder(machine.id) / name
        if folder.is_dir():
            _stop_in(name, _context(records, machine.id, folder), deadline)


def _context(records: Records, machine: str, folder: Path) -> MachineContext:
    return MachineContext(id=machine, folder=folder, cache=records.cache)


def _stop_in(name: str, context: MachineContext, deadline: Deadline | None) -> None:
    try:
        engine = registry.connect_engine(name, context)
        try:
            _stop_all(engine, context.id, deadline)
        finally:
            engine.close()
    except CloudError:
        raise
    except CloudLayerError as error:
        message = f"the replicas of {context.id} in the {name} engine could not be stopped: {error}"
        raise TransientError(message, provider="local", code="EngineError") from error


def _stop_all(engine: Engine, machine: str, deadline: Deadline | None) -> None:
    for _ in range(_ROUNDS):
        replicas = engine.list(deadline=deadline)
        if not replicas:
            return
        with ThreadPoolExecutor(min(_AT_ONCE, len(replicas))) as threads:
            list(threads.map(lambda replica: engine.stop(replica.id, deadline=deadline), replicas))
    raise TransientError(f"replicas are still being started on {machine}", provider="local", code="Busy")
