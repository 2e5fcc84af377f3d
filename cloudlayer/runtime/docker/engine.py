"""The engine's verbs, over containers, records, images and networks."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import CloudLayerError, Conflict, EngineError, NotFound, TransientError
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
from cloudlayer.labels import MACHINE, OWNER
from cloudlayer.runtime.docker import states
from cloudlayer.runtime.docker.containers import REPLICA, Given, container_name, creation
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.gpus import Gpus
from cloudlayer.runtime.docker.images import Images
from cloudlayer.runtime.docker.networks import Networks
from cloudlayer.runtime.docker.records import STARTED, STOPPED, Record, Records
from cloudlayer.runtime.docker.replicas import Replicas
from cloudlayer.runtime.docker.router import Routers
from cloudlayer.runtime.docker.usage import usage
from cloudlayer.runtime.models import models_on

_FIRST_LOOK: Final = 0.002
_LAST_LOOK: Final = 0.05
_LAST_LOOK_THERE: Final = 1.0
_TRIES: Final = 3
_TO_REMOVE: Final = 2.0
_GPU_MEND: Final = "install the NVIDIA container toolkit on the machine"

_log = logging.getLogger(__name__)


class DockerEngine:
    """Replicas of one machine as containers of its Docker Engine."""

    name = "docker"

    def __init__(self, machine: MachineContext, daemon: Daemon) -> None:
        self._machine = machine.id
        self._cache = machine.cache
        self._daemon = daemon
        self._client = daemon.client
        self._networks = Networks(daemon, machine.id)
        self._images = Images(daemon, machine, self._networks)
        self._routers = Routers(daemon, self._images, machine)
        self._records = Records(machine.folder / "docker")
        self._records.purge()
        self._replicas = Replicas(daemon, machine.id, self._records)
        self._gpus = Gpus(daemon, machine, self._records)

    def prepare(self, spec: ReplicaSpec, *, deadline: Deadline | None = None) -> None:
        """Pull or build the image, fetch models, make the network, and see that there is a router if one is asked for."""
        with self._daemon.until(deadline):
            self._images.ensure(spec, deadline)
            self._models(spec, deadline)
            self._network(spec)
            if spec.router is not None:
                self._routers.keep(spec.router, deadline)

    def start(self, spec: ReplicaSpec, *, deadline: Deadline | None = None) -> ReplicaStatus:
        """Start the replica's container, or adopt it. One that ended or was stopped is given back as it ended."""
        with self._daemon.until(deadline):
            with self._records.hold(spec.id, self._daemon.check) as record:
                settled = self._settled(spec.id, record)
            if settled is not None:
                return settled
            # Not under the lock: a `stop` need not wait for a pull.
            image = self._images.ensure(spec, deadline)
            instances, here = self._gpus.prepare(spec, deadline), self._daemon.host.is_here
            given = Given(self._network(spec), here=here, instances=instances, models=self._models(spec, deadline))
            form = creation(self._client, spec, image, self._machine, given)
            with self._records.hold(spec.id, self._daemon.check) as record:
                found = self._settled(spec.id, record) or self._start(spec, form, record)
            if found.exit is ReplicaExit.STOPPED:  # meanwhile, when there were no MIG instances to remove yet
                self._gpus.release(spec.id, deadline)
            self._gpus.seen([form["labels"]])
            return found

    def wait(self, id: str, *, deadline: Deadline) -> ReplicaStatus:
        """Look again and again, often at first, until the replica is ready or has ended, or the deadline comes."""
        pause = _FIRST_LOOK
        while True:
            found = self._replicas.get(id, None, look=False) or states.gone(id, stopped=True)
            if found.state is not ReplicaState.STARTING or deadline.remaining() <= 0 or deadline.cancelled.is_set():
                return found
            longest = _LAST_LOOK
            if found.inner_address is not None:
                self._replicas.wait_there(id, found.inner_address, deadline)
                longest = _LAST_LOOK_THERE
            time.sleep(min(pause, deadline.remaining()))
            pause = min(pause * 1.3, longest)

    def get(self, id: str, *, deadline: Deadline | None = None) -> ReplicaStatus | None:
        """The replica as its container is now."""
        return self._replicas.get(id, deadline, look=True)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ReplicaStatus]:
        """Every replica of this machine: one call, and some more for each that ended."""
        wanted = [f"{key}={value}" for key, value in {**(labels or {}), MACHINE: self._machine}.items()]
        with self._daemon.until(deadline):
            filters = {"label": [*wanted, REPLICA]}
            found = self._daemon.call("listing containers", self._client.containers, all=True, filters=filters)
            self._gpus.seen(summary["Labels"] for summary in found if summary["State"] == "running")
            return self._replicas.listed(found)

    def stop(self, id: str, *, grace: float = 5.0, deadline: Deadline | None = None) -> None:
        """Mark the replica as stopped, which ends every `start` of it; then end and remove its container."""
        with self._daemon.until(deadline):
            with self._records.hold(id, self._daemon.check) as record:
                record.write(STOPPED)
            container = self._replicas.inspect(id)
            if container is not None:
                within = grace if deadline is None else min(grace, max(0.0, deadline.remaining() - _TO_REMOVE))
                self._end(container["Id"], math.ceil(within))
            self._gpus.release(id, deadline)

    def move_off(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Move what the container's processes have on GPUs to the machine's memory, and pause it."""
        with self._daemon.until(deadline):
            self._gpus.move_off(self._there(id), deadline)

    def bring_back(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Let the container go on, with its memory on its GPUs again."""
        with self._daemon.until(deadline):
            self._gpus.bring_back(self._there(id), deadline)

    def logs(self, id: str, *, tail: int = 100, call: str | None = None) -> Sequence[LogLine]:
        """The last lines of the container's standard output and error, of one call if that is named."""
        with self._daemon.until(None):
            container = self._replicas.inspect(id)
            return [] if container is None else self._replicas.tail(container["Id"], tail, call)

    def usage(self, *, deadline: Deadline | None = None) -> Mapping[str, ReplicaUsage]:
        """What each running container uses now."""
        with self._daemon.until(deadline):
            return usage(self._daemon, self._machine)

    def close(self) -> None:
        """Remove networks that nothing uses, and let go of the connections."""
        self._gpus.close()
        with suppress(CloudLayerError):
            self._networks.remove_unused()
        self._images.close()
        self._daemon.close()

    def _models(self, spec: ReplicaSpec, deadline: Deadline | None) -> str | None:
        """The folder on the machine with the replica's models; None if it reads none."""
        return models_on(self._daemon.host, spec.models, self._cache, deadline) if spec.models else None

    def _network(self, spec: ReplicaSpec) -> str:
        return self._networks.ensure(spec.internet, spec.labels.get(OWNER, ""))

    def _settled(self, id: str, record: Record) -> ReplicaStatus | None:
        """The replica, if there is nothing left to start: it runs, or must never run again."""
        container = self._replicas.inspect(id)
        if record.mark == STOPPED:
            return states.gone(id, stopped=True)
        if container is not None:
            return self._replicas.status(id, container, look=True) if states.was_started(container) else None
        return states.gone(id, stopped=False) if record.mark == STARTED else None

    def _start(self, spec: ReplicaSpec, form: dict[str, Any], record: Record) -> ReplicaStatus:
        """Make the container and start it. The record is held: nobody else starts or stops this replica meanwhile."""
        try:
            self._daemon.call("creating a container", self._client.create_container, **form)
        except NotFound as error:
            raise TransientError(f"the image {form['image']} was removed before its start", provider="docker") from error
        except Conflict:
            _log.info("adopting the container of %s, which an earlier start made", spec.id)
        container = self._replicas.inspect(spec.id)
        if container is None:
            raise EngineError(
                f"docker: the name {container_name(spec.id)} is taken by a container of another machine: remove it"
            )
        record.write(STARTED)
        try:
            self._run(spec, container["Id"])
        except EngineError:
            self._forget_unstarted(spec.id, record)
            raise
        container = self._replicas.inspect(spec.id)
        return states.gone(spec.id, stopped=False) if container is None else self._replicas.status(spec.id, container)

    def _forget_unstarted(self, id: str, record: Record) -> None:
        """A container that never ran leaves no trace, and its replica may be tried again."""
        container = self._replicas.inspect(id)
        if container is not None and not states.was_started(container):
            self._remove(container["Id"])
            record.write("")

    def _run(self, spec: ReplicaSpec, container: str) -> None:
        for _ in range(_TRIES):
            try:
                self._daemon.call("starting a container", self._client.start, container)
            except NotFound:  # its network was removed by another controller's `close`
                self._network(spec)
            except EngineError as error:
                if spec.devices and "device driver" in str(error):
                    raise EngineError(f"docker: GPUs cannot be handed to containers here: {_GPU_MEND}") from error
                raise
            else:
                return
        raise TransientError("the container or its network is removed again and again by someone else", provider="docker")

    def _there(self, id: str) -> dict[str, Any]:
        container = self._replicas.inspect(id)
        if container is None or not states.is_running(container):
            raise EngineError(f"replica {id} does not run, so there is nothing to move")
        return container

    def _end(self, container: str, grace: int) -> None:
        with suppress(NotFound, Conflict):  # being removed by someone else
            self._daemon.call("stopping a container", self._client.stop, container, timeout=grace)
        self._remove(container)
        self._replicas.forget(container)

    def _remove(self, container: str) -> None:
        """Remove the container; when this returns it is gone, whoever else removes it too."""
        while True:
            try:
                self._daemon.call("removing a container", self._client.remove_container, container, force=True, v=True)
            except Conflict:  # another removal is under way
                time.sleep(_LAST_LOOK)
            except NotFound:
                return
