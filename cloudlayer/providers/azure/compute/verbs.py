"""Compute on Azure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudlayer.errors import CloudError, Conflict, NotFound
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.choices import Choices
from cloudlayer.providers.azure.compute.creating import Creating, record_of
from cloudlayer.providers.azure.compute.instances import card_of, failure_code, is_going
from cloudlayer.providers.azure.compute.launches import plan_launches
from cloudlayer.providers.azure.compute.making import ANSWERS, VCPUS, Making
from cloudlayer.providers.azure.compute.network import Network
from cloudlayer.providers.azure.compute.pooling import each
from cloudlayer.providers.azure.compute.records import Record, Records
from cloudlayer.providers.azure.compute.uniform import operation_of
from cloudlayer.providers.azure.compute.views import Document, Views
from cloudlayer.providers.azure.errors import TABLE
from cloudlayer.providers.azure.places import Places
from cloudlayer.providers.base.attempts import checked_token
from cloudlayer.providers.base.capabilities import require_for
from cloudlayer.providers.base.compute import BaseCompute
from cloudlayer.providers.base.errors import Where, translate
from cloudlayer.resources import Image, Instance, InstanceSpec, InstanceState, Offer

_STOPPED: Final = (InstanceState.STOPPED, InstanceState.STOPPING)


class AzureCompute(BaseCompute):
    """Virtual machines of one resource group in one location. An instance's id is its name there."""

    def __init__(self, client: Client, capabilities: Capabilities, choices: Choices, places: Places, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._choices = choices
        self._network = Network(client, clock)
        self._records = Records(client, clock)
        self._views = Views(client)
        making = Making(client, choices, places, self._network, clock)
        self._creating = Creating(making, self._records, self._views)

    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Each size in each zone, on demand and spot; `available` is 0 where this subscription may not have it."""
        return self._choices.catalogue.offers(self._bound(deadline))

    def images(self, name: str | None = None, *, deadline: Deadline | None = None) -> list[Image]:
        """Images by friendly name, by "publisher:offer:sku:version", or of the resource group by id or name."""
        return self._choices.images.find(name, self._bound(deadline))

    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """One answer for each spec, in order; each is a machine of its own, some made at the same time.

        Azure accepts a machine before it knows whether there is room, so each is followed for up to a minute: what failed by
        then for want of room or quota is deleted again and answered as such. Later failures show in `get` and `wait`. A token
        is known for as long as its machines live, and for an hour after.
        """
        require_for(specs, self.capabilities)
        launches = plan_launches(specs, checked_token(token))
        return self._creating.create(launches, self._bound(deadline)) if launches else []

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as it is now; one that is deleted is not there."""
        return self._views.get(id, self._bound(deadline))

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Begin to delete the instances, with disks, network interfaces, addresses and security groups made for them."""
        bound = self._bound(deadline)
        found = each(list(dict.fromkeys(ids)), lambda name: self._views.find(name, bound))
        doomed = [machine for machine in found if machine is not None and not is_going(machine)]
        self._note(doomed, bound)
        each(doomed, lambda machine: self._delete(machine, bound))
        if doomed:
            self._records.prune(bound)

    def start(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to start a stopped instance; no error if it runs. Without room it stays stopped, and says why."""
        bound = self._bound(deadline)
        instance = self._views.get(id, bound)
        if instance.state != InstanceState.RUNNING:
            where = Where("azure", self.region, instance.zone, instance.machine_type, instance.purchase)
            self._begin("start", id, bound, where=where, making=VCPUS)

    def stop(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to stop and deallocate a running instance, so that only its disks cost; no error if it is stopped."""
        bound = self._bound(deadline)
        if self._views.get(id, bound).state not in _STOPPED:
            self._begin("deallocate", id, bound)

    def reboot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Restart the instance's system."""
        self._begin("restart", id, self._bound(deadline))

    def resize(self, id: str, machine_type: str, *, deadline: Deadline | None = None) -> None:
        """Change the size of a stopped instance, and wait until Azure has taken it; Conflict if it is not stopped."""
        bound = self._bound(deadline)
        name = self._choices.catalogue.machine_type(machine_type, bound).name
        instance = self._views.get(id, bound)
        if "/" in id:
            message = f"{id} has the size of its scale set: update the group's template"
            raise Conflict(message, provider=self.provider, code="SizeOfTheSet")
        if instance.state != InstanceState.STOPPED:
            raise Conflict(f"{id} is {instance.state}: stop it first", provider=self.provider, code="NotStopped")
        self._client.run(
            "compute",
            "virtual_machines.begin_update",
            *(self._client.group, id, {"properties": {"hardwareProfile": {"vmSize": name}}}),
            where=Where("azure", self.region, instance.zone, name, instance.purchase),
            making=VCPUS,
            deadline=bound,
        )

    def console_log(self, id: str, *, deadline: Deadline | None = None) -> str:
        """What the machine wrote to its serial console, some minutes old; read from where Azure keeps it."""
        bound, client = self._bound(deadline), self._client
        named = operation_of(id, "retrieve_boot_diagnostics_data", client.group)
        found = client.call("compute", *named, deadline=bound) or {}
        address = found.get("serialConsoleLogBlobUri")
        try:
            return client.fetch(address, deadline=bound).content.decode(errors="replace") if address else ""
        except NotFound:
            return ""  # it has written nothing yet

    def failure(self, instance: Instance, wanted: InstanceState) -> CloudError:
        """The error for an instance that ended on its way: Azure's code for the reason decides, as it does for a refusal."""
        error, code = super().failure(instance, wanted), failure_code(instance)
        if code not in TABLE or not issubclass(TABLE[code].error, ANSWERS):
            return error
        where = Where("azure", self.region, instance.zone, instance.machine_type, instance.purchase)
        return translate(TABLE, code, error.message, where)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance of the resource group and location with all of `labels`: Azure filters none, so all are read."""
        return self._views.list(dict(labels or {}), self._bound(deadline))

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _begin(self, operation: str, id: str, deadline: Deadline, **more: Any) -> None:
        named = operation_of(id, f"begin_{operation}", self._client.group)
        self._client.call("compute", *named, deadline=deadline, **more)

    def _note(self, machines: Sequence[Document], deadline: Deadline) -> None:
        """Put down, before they are gone, that these were launched."""
        attempts: dict[tuple[str, str], frozenset[int]] = {}
        for record in filter(None, map(record_of, machines)):
            key = (record.token, record.batch)
            attempts[key] = attempts.get(key, frozenset()) | record.places
        for (token, batch), places in attempts.items():
            self._records.mark(Record(token, batch, places), deadline)

    def _delete(self, machine: Document, deadline: Deadline) -> None:
        card, name = card_of(machine), str(machine["name"])
        if card and "/" not in name:
            self._network.strip(card, name, deadline)
        self._begin("delete", name, deadline)
