"""The GPUs of a machine's replicas: MIG instances, the service that limits shares of compute, the watch over memory."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Deadline, MachineContext, ReplicaSpec
from cloudlayer.labels import MACHINE
from cloudlayer.runtime.docker.containers import GPU_DEVICES, GPU_MEMORY, MEMORY, NOBODY, REPLICA
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.records import EXCEEDED, STARTED, Records
from cloudlayer.runtime.docker.slices import Slices
from cloudlayer.runtime.gpu import checkpoint, multi_process
from cloudlayer.runtime.gpu.reading import read
from cloudlayer.runtime.gpu.shares import Excess, Share
from cloudlayer.runtime.gpu.watch import GpuWatch

_log = logging.getLogger(__name__)


class Gpus:
    """Watches from the first replica on that has a share of a GPU's memory, whoever started it."""

    def __init__(self, daemon: Daemon, machine: MachineContext, records: Records) -> None:
        self._daemon = daemon
        self._machine = machine.id
        self._records = records
        self._slices = Slices(daemon.host, machine.folder / "mig", daemon.check, ours=machine.bought)
        self._watch = GpuWatch(daemon.host, self._shares, self._end)

    def prepare(self, spec: ReplicaSpec, deadline: Deadline | None) -> tuple[str, ...]:
        """What a replica with a share needs before it starts; the UUIDs of its MIG instances, if it has any. EngineError, with
        the mend, where the machine has it not."""
        if spec.gpu_compute is not None:
            multi_process.ensure(self._daemon.host, NOBODY, NOBODY, deadline=deadline)
        return self._slices.ensure(spec, deadline)

    def release(self, id: str, deadline: Deadline | None) -> None:
        """Remove the MIG instances of a replica that is gone."""
        self._slices.release(id, deadline)

    def seen(self, labels: Iterable[Mapping[str, str]]) -> None:
        """Containers of this machine that run, by their labels, whoever started them."""
        if any(GPU_MEMORY in each for each in labels):
            self._watch.wake()

    def move_off(self, container: dict[str, Any], deadline: Deadline | None) -> None:
        """Move what a running container has on GPUs to the machine's memory. It stands still afterwards, and only then: its own
        threads do the moving. Its limit of memory grows by what it holds on GPUs until that is brought back."""
        if container["State"]["Status"] == "paused":
            return
        host = self._daemon.host
        reading = read(host, deadline=deadline)
        for driver in {gpu.driver for gpu in reading.gpus}:
            checkpoint.require(driver)
        held = sum(reading.used_by(container["Id"]).values())
        # Never less than before: of a try that was broken off, a part may have been moved.
        self._limit(container, max(container["HostConfig"]["Memory"], _own_memory(container) + held))
        checkpoint.move_off(host, self._processes(container["Id"]), deadline=deadline)
        self._daemon.call("pausing a container", self._daemon.client.pause, container["Id"])

    def bring_back(self, container: dict[str, Any], deadline: Deadline | None) -> None:
        """The same the other way round; a try that was broken off is taken up where it was."""
        if container["State"]["Status"] == "paused":
            self._daemon.call("letting a container go on", self._daemon.client.unpause, container["Id"])
            self.seen([container["Config"]["Labels"]])
        checkpoint.bring_back(self._daemon.host, self._processes(container["Id"]), deadline=deadline)
        self._limit(container, _own_memory(container))

    def close(self) -> None:
        """Watch no more."""
        self._watch.close()

    def _limit(self, container: dict[str, Any], memory: int) -> None:
        if container["HostConfig"]["Memory"] != memory:
            limits = {"mem_limit": memory, "memswap_limit": memory}
            self._daemon.call("limiting memory", self._daemon.client.update_container, container["Id"], **limits)

    def _processes(self, container: str) -> tuple[int, ...]:
        told = self._daemon.call("listing processes", self._daemon.client.top, container, ps_args="-eo pid")
        return tuple(sorted(int(row[0]) for row in told["Processes"] or ()))  # none, of one that ends

    def _shares(self) -> list[Share]:
        filters = {"label": [f"{MACHINE}={self._machine}", GPU_MEMORY], "status": ["running"]}
        with self._daemon.until(None):
            found = self._daemon.call("listing containers", self._daemon.client.containers, filters=filters)
        return [_share(summary) for summary in found]

    def _end(self, excess: Excess) -> None:
        """Write down why before it is done, so that whoever sees the end sees the reason; where the disk is full, it is done
        without."""
        with self._daemon.until(None):
            try:
                with self._records.hold(excess.replica, self._daemon.check) as record:
                    if record.mark == STARTED:
                        record.write(EXCEEDED)
            except OSError as error:
                _log.warning("why replica %s is stopped cannot be written down: %s", excess.replica, error)
            with suppress(NotFound, Conflict):  # it has ended by itself
                self._daemon.call("ending a container", self._daemon.client.kill, excess.container)


def _own_memory(container: dict[str, Any]) -> int:
    """Bytes that the container may use with all of its own where it belongs."""
    return int(container["Config"]["Labels"][MEMORY])


def _share(summary: Mapping[str, Any]) -> Share:
    labels = summary["Labels"]
    devices = tuple(int(index) for index in labels.get(GPU_DEVICES, "").split(",") if index)
    return Share(labels[REPLICA], summary["Id"], devices, int(labels[GPU_MEMORY]))
