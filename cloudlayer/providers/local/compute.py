"""Compute on this host: instances are shares of it, each kept as a record that no other may overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cloudlayer.errors import CloudError, Conflict, NotFound, TransientError
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import checked_token, fingerprint
from cloudlayer.providers.base.capabilities import require_plain
from cloudlayer.providers.base.compute import BaseCompute
from cloudlayer.providers.local import engines
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.launch import PROVIDER, REGION, chosen_type, host_is_full, launch, to_instance
from cloudlayer.providers.local.records import MachineRecord, Records
from cloudlayer.providers.local.sizes import free_devices, how_many, machine_types
from cloudlayer.resources import Instance, InstanceSpec, InstanceState, Offer, Price

_ALL: Final = tuple(InstanceState)
_ENDING: Final = (InstanceState.DELETING, InstanceState.STOPPING)
_AT_ONCE: Final = 16


class LocalCompute(BaseCompute):
    """The machines of this host that share a state folder, whichever fleet they belong to."""

    poll = 0.1

    def __init__(
        self, capabilities: Capabilities, state: Path, measure: Callable[[], HostFigures], *, clock: Clock | None = None
    ) -> None:
        """`measure` tells what the host has; it is asked anew for all offers and machines."""
        super().__init__(capabilities, REGION, clock=clock)
        self.records = Records(state)
        self._measure = measure

    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Every fraction of the host, with how many more of it can be had now."""
        host = self._measure()
        taken = [record.taken for record in self.records.machines()]
        today = datetime.fromtimestamp(self.clock.now(), UTC).date()
        price = Price(0.0, "USD", source="this host", as_of=today)
        return [
            Offer(PROVIDER, REGION, REGION, type_, "on_demand", price, available=how_many(host, taken, size))
            for type_, size in machine_types(host).items()
        ]

    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """One answer for each spec, in order; idempotent by token."""
        token = checked_token(token)
        require_plain(specs, self.capabilities)
        if not specs:
            return []
        host = self._measure()
        if deadline is not None:
            deadline.check("creating machines")
        with self.records.locked():
            digest, now = fingerprint(specs), self.clock.now()
            return launch(self.records, host, specs, token=token, digest=digest, now=now)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The machine as it is now."""
        record = self.records.machine(id)
        if record is None:
            raise _not_found(id)
        return to_instance(record)

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Stop all that runs on these machines, and give back what they have taken."""
        doomed = list(ids)
        if not doomed:
            return
        with ThreadPoolExecutor(min(_AT_ONCE, len(doomed))) as threads:
            ends = [threads.submit(self._delete, one, deadline) for one in doomed]
        for end in ends:
            end.result()

    def start(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Let replicas run on a stopped machine again."""
        self._there(id)
        self.records.change(id, InstanceState.RUNNING, wanted=(InstanceState.STOPPED, InstanceState.RUNNING))

    def stop(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Stop all that runs on the machine, which keeps what it has taken of the host."""
        if self._there(id).state is not InstanceState.STOPPED:
            wanted = (InstanceState.RUNNING, InstanceState.STOPPING)
            self.records.change(id, InstanceState.STOPPING, wanted=wanted)
            self._end(id, deadline, wait=True)

    def reboot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Stop all that runs on the machine; it runs on itself."""
        record = self._there(id)
        if record.state is not InstanceState.RUNNING:
            raise Conflict(f"{id} is {record.state} and cannot be rebooted", provider=PROVIDER, code="WrongState")
        with self.records.ending(id, wait=True):
            engines.stop_replicas(self.records, record, deadline)

    def resize(self, id: str, machine_type: str, *, deadline: Deadline | None = None) -> None:
        """Give a stopped machine another share of the host, if it is free."""
        host = self._measure()
        types = machine_types(host)
        type_ = chosen_type(types, InstanceSpec(machine_type=machine_type))
        size = types[type_]
        with self.records.locked():
            record = self._there(id)
            if record.state is not InstanceState.STOPPED:
                raise Conflict(f"{id} is {record.state}: stop it first", provider=PROVIDER, code="WrongState")
            others = [other.taken for other in self.records.machines() if other.id != id]
            if how_many(host, others, size) == 0:
                raise host_is_full(type_.name)
            devices = tuple(device.uuid for device in free_devices(host, others, size)[: size.device_count])
            self.records.write(
                replace(
                    record,
                    machine_type=type_.name,
                    millicores=size.millicores,
                    memory=size.memory,
                    disk=size.disk,
                    devices=devices,
                )
            )

    def running(self, id: str) -> MachineRecord:
        """The record of a machine that runs; TransientError if it is stopped, NotFound if it is gone."""
        record = self._there(id)
        if record.state is not InstanceState.RUNNING:
            raise TransientError(f"{id} is {record.state}: start it first", provider=PROVIDER, code="NotRunning")
        return record

    def _there(self, id: str) -> MachineRecord:
        record = self.records.machine(id)
        if record is None or record.state.gone:
            raise _not_found(id)
        return record

    def _delete(self, id: str, deadline: Deadline | None) -> None:
        if self.records.machine(id) is not None:
            self.records.change(id, InstanceState.DELETING, wanted=_ALL)
            self._end(id, deadline, wait=True)

    def _end(self, id: str, deadline: Deadline | None, *, wait: bool) -> None:
        with self.records.ending(id, wait=wait) as ours:
            record = self.records.machine(id) if ours else None
            if record is None or record.state not in _ENDING:
                return
            engines.stop_replicas(self.records, record, deadline)
            if record.state is InstanceState.DELETING:
                self.records.remove(record)
            else:
                self.records.change(id, InstanceState.STOPPED, wanted=(InstanceState.STOPPING,))

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every machine of this host that carries all of `labels`. What a killed process left half ended is ended here."""
        for record in self.records.machines():
            if record.state in _ENDING:
                with suppress(CloudError):
                    self._end(record.id, deadline, wait=False)
        wanted = (labels or {}).items()
        machines = map(to_instance, self.records.machines())
        return [machine for machine in machines if wanted <= machine.labels.items()]


def _not_found(id: str) -> NotFound:
    return NotFound(f"there is no machine {id} on this host", provider=PROVIDER, code="NoSuchMachine")
