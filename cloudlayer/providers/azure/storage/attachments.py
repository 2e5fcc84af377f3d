"""Disks at machines: those of single machines, of flexible scale sets, and of uniform ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cloudlayer.errors import NotFound, QuotaError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.marks import same_id
from cloudlayer.providers.base.turns import Turns

_MOST: Final = 64
"""Data disks that the largest machine takes, and numbers (LUNs) that they may have."""

_PAUSE: Final = 2.0

Disks = Sequence[Mapping[str, Any]]


class Attachments:
    """What machines have attached. A machine's disks are one list that is written whole: changes to it take turns here.

    Azure has no condition for that write, so whoever writes looks again whether another process has overwritten it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._turns = Turns()

    def machine(self, instance: str, deadline: Deadline) -> dict[str, Any]:
        """A machine's document; NotFound if it is not there. A uniform scale set's member is "SET/NUMBER"."""
        return dict(self._client.call("compute", *self._of(instance, "get"), deadline=deadline))

    def device(self, instance: str | None, disk: str, deadline: Deadline, seen: dict[str, Any] | None = None) -> str | None:
        """Where Linux shows a disk (by its id) on its machine; None if it is not there. `seen` keeps machines."""
        if instance is None:
            return None
        known = {} if seen is None else seen
        if instance not in known:
            try:
                known[instance] = self.machine(instance, deadline)
            except NotFound:
                known[instance] = {}
        return next((_device(item) for item in _disks(known[instance]) if _is(item, disk)), None)

    def attach(self, instance: str, disk: str, deadline: Deadline) -> None:
        """Have a machine attach a disk, as the first number that is free."""

        def more(present: Disks) -> Disks | None:
            if any(_is(item, disk) for item in present):
                return None
            number = self._free(instance, present)
            added = {"lun": number, "createOption": "Attach", "managedDisk": {"id": disk}, "deleteOption": "Detach"}
            return [*present, added]

        self._write(instance, more, deadline)

    def detach(self, instance: str, disk: str, deadline: Deadline) -> None:
        """Have a machine let go of a disk; one that is not there, or lets go of it already, is no error."""

        def less(present: Disks) -> Disks | None:
            left = [item for item in present if not _is(item, disk)]
            return left if len(left) < len(present) else None

        try:
            self._write(instance, less, deadline)
        except NotFound:
            return

    def _write(self, instance: str, changed: Callable[[Disks], Disks | None], deadline: Deadline) -> None:
        """Write the list until a look at it finds nothing to change."""
        with self._turns.take(instance, deadline):
            while self._written(instance, changed, deadline):
                deadline.check(f"changing the disks of {instance}")

    def _written(self, instance: str, changed: Callable[[Disks], Disks | None], deadline: Deadline) -> bool:
        """Whether there was something to change, which is written then, and seen to be so a moment later."""
        machine = self.machine(instance, deadline)
        wanted = changed(_disks(machine))
        if wanted is None:
            return False
        change = self._change(instance, machine, wanted)
        self._client.run("compute", *change, deadline=deadline, making="disks of a machine")
        if changed(_disks(self.machine(instance, deadline))) is None:
            return False
        self._client.retries.clock.sleep(_PAUSE)
        return True

    def _change(self, instance: str, machine: dict[str, Any], wanted: Disks) -> tuple[Any, ...]:
        """The operation, with its arguments, that gives a machine these disks."""
        if "/" not in instance:
            return (*self._of(instance, "begin_update"), {"properties": {"storageProfile": {"dataDisks": list(wanted)}}})
        properties = machine["properties"]
        storage = {**properties["storageProfile"], "dataDisks": [_without_option(item) for item in wanted]}
        return (*self._of(instance, "begin_update"), {**machine, "properties": {**properties, "storageProfile": storage}})

    def _of(self, instance: str, verb: str) -> tuple[Any, ...]:
        group, slash, number = instance.partition("/")
        if slash:
            return f"virtual_machine_scale_set_vms.{verb}", self._client.group, group, number
        return f"virtual_machines.{verb}", self._client.group, instance

    def _free(self, instance: str, present: Disks) -> int:
        taken = {int(item["lun"]) for item in present}
        for number in range(_MOST):
            if number not in taken:
                return number
        message = f"{instance} has {_MOST} disks, as many as a machine can have: detach one, or use another machine"
        raise QuotaError(message, name="disks of a machine", limit=_MOST, used=_MOST, provider="azure", code="MaxDisksAttached")


def _disks(machine: Mapping[str, Any]) -> Disks:
    storage = (machine.get("properties") or {}).get("storageProfile") or {}
    return list(storage.get("dataDisks") or ())


def _is(item: Mapping[str, Any], disk: str) -> bool:
    return same_id((item.get("managedDisk") or {}).get("id"), disk)


def _device(item: Mapping[str, Any]) -> str:
    """The link that Azure's agent and the images' own rules make for a disk's number."""
    return f"/dev/disk/azure/scsi1/lun{item['lun']}"


def _without_option(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "deleteOption"}
