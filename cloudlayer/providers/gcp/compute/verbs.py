"""Compute on Compute Engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import CapacityError, CloudError, Conflict, NotFound, QuotaError
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import checked_token
from cloudlayer.providers.base.capabilities import require_for
from cloudlayer.providers.base.compute import BaseCompute
from cloudlayer.providers.base.errors import Where, translate
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.compute.catalogue import Catalogue
from cloudlayer.providers.gcp.compute.choices import Choices
from cloudlayer.providers.gcp.compute.creating import Creating
from cloudlayer.providers.gcp.compute.gone import remembered
from cloudlayer.providers.gcp.compute.images import Images
from cloudlayer.providers.gcp.compute.instances import instance_id, read_instance, split_id, tags_of
from cloudlayer.providers.gcp.compute.launches import TAG_PREFIX, plan_launches
from cloudlayer.providers.gcp.compute.resizing import resize
from cloudlayer.providers.gcp.errors import TABLE
from cloudlayer.providers.gcp.firewall import Firewall
from cloudlayer.providers.gcp.marks import LIMITS, label_filter
from cloudlayer.resources import Image, Instance, InstanceSpec, InstanceState, Offer

_AT_ONCE: Final = 8
"""Instances that are deleted at the same time."""

_GOING: Final = ("STOPPING", "PENDING_STOP", "DEPROVISIONING")


class GceCompute(BaseCompute):
    """Instances of Compute Engine in one region."""

    def __init__(
        self, client: Client, capabilities: Capabilities, catalogue: Catalogue, choices: Choices, clock: Clock
    ) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._catalogue = catalogue
        self._images = Images(client)
        self._firewall = Firewall(client, TAG_PREFIX)
        self._creating = Creating(client, choices, self._firewall)

    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Everything on sale here, each machine type in each zone, N1 with devices attached too, and reservations."""
        return self._catalogue.offers(self._bound(deadline))

    def images(self, name: str | None = None, *, deadline: Deadline | None = None) -> list[Image]:
        """Images by friendly name, by path ("projects/P/global/images/NAME"), or by the name of one of the project's own."""
        return self._images.find(name, self._bound(deadline))

    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """One answer for each spec, in order. Waits until the cloud has found room for each, which takes some ten seconds.

        Names that follow from the token make it idempotent, with the cloud's own request ids, and its memory of operations
        for what is deleted; that memory is of two weeks at the least. Nothing is made before all specs are found good.
        """
        require_for(specs, self.capabilities)
        for spec in specs:
            LIMITS.check(spec.labels)
        launches = plan_launches(specs, checked_token(token))
        return self._creating.create(launches, self._bound(deadline)) if launches else []

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as it is now, by "ZONE/NAME", or by its name alone where only one zone has it.

        One that was deleted or taken back, or that ended before it ran, is reported as such for two weeks.
        """
        bound = self._bound(deadline)
        zone, name = split_id(id) if "/" in id else ("", id)
        if not zone:
            return self._named(name, bound)
        try:
            found = self._client.call("instances", "get", zone=zone, instance=name, deadline=bound)
        except NotFound as error:
            instance = remembered(self._client, zone, name, bound)
            if instance is None:
                raise error from None
            return instance
        return self._read([found], bound)[0]

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Begin to delete the instances, with their disks, and the firewall rules that were made for them alone."""
        bound = self._bound(deadline)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            looked_up = pool.map(lambda one: self._present(one, bound), dict.fromkeys(ids))
            present = [instance for instance in looked_up if instance is not None]
            list(pool.map(lambda instance: self._delete(instance, bound), present))
        self._close(present, bound)

    def start(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Start a stopped instance, and see that the cloud has room for it; no error if it runs."""
        bound, (zone, name) = self._bound(deadline), split_id(id)
        where = self._where(self.get(id, deadline=bound))
        self._client.run("instances", "start", zone=zone, instance=name, where=where, deadline=bound)

    def stop(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to stop a running instance; no error if it is stopped. What is on its local SSDs is lost."""
        bound, (zone, name) = self._bound(deadline), split_id(id)
        try:
            self._client.begin("instances", "stop", zone=zone, instance=name, discard_local_ssd=True, deadline=bound)
        except Conflict:
            if self.get(id, deadline=bound).state not in (InstanceState.STOPPING, InstanceState.STOPPED):
                raise

    def reboot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Reset the instance, as its button would; its system is not asked to end."""
        zone, name = split_id(id)
        self._client.run("instances", "reset", zone=zone, instance=name, deadline=self._bound(deadline))

    def resize(self, id: str, machine_type: str, *, deadline: Deadline | None = None) -> None:
        """Change the machine type of a stopped instance, and what is attached to it."""
        bound = self._bound(deadline)
        resize(self._client, self.get(id, deadline=bound), self._catalogue.sold(machine_type, bound), bound)

    def console_log(self, id: str, *, deadline: Deadline | None = None) -> str:
        """What the machine wrote to its first serial port; the cloud keeps the last mebibyte."""
        zone, name = split_id(id)
        output = self._client.call(
            "instances", "get_serial_port_output", zone=zone, instance=name, deadline=self._bound(deadline)
        )
        return str(output.contents)

    def failure(self, instance: Instance, wanted: InstanceState) -> CloudError:
        """The error for an instance that ended on its way: the cloud's code for the reason decides, where it gives one."""
        error = super().failure(instance, wanted)
        code = (instance.reason or "").partition(":")[0].strip()
        if code not in TABLE or not issubclass(TABLE[code].error, CapacityError | QuotaError):
            return error
        return translate(TABLE, code, error.message, self._where(instance))

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance that carries all of `labels`, those of groups too."""
        bound, wanted = self._bound(deadline), dict(labels or {})
        filters = {"filter": label_filter(wanted)} if wanted else {}
        found = self._read(self._client.everywhere("instances", deadline=bound, **filters), bound)
        return [instance for instance in found if wanted.items() <= instance.labels.items()]

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _where(self, instance: Instance) -> Where:
        return Where("gcp", self.region, instance.zone, instance.machine_type, instance.purchase)

    def _named(self, name: str, deadline: Deadline) -> Instance:
        listed = self._client.everywhere("instances", filter=f'name = "{name}"', deadline=deadline)
        found = self._read([one for one in listed if one.name == name], deadline)
        if len(found) != 1:
            raise NotFound(f"{len(found)} instances are called {name}: an id is ZONE/NAME", provider="gcp", code="notFound")
        return found[0]

    def _present(self, id: str, deadline: Deadline) -> Instance | None:
        """The instance, unless it is gone or on its way there."""
        try:
            found = self.get(id, deadline=deadline)
        except NotFound:
            return None
        return None if found.state.gone or found.native is None else found

    def _read(self, described: Iterable[Any], deadline: Deadline) -> Sequence[Instance]:
        """The instances, those that a deletion is under way of told apart from those that are stopping."""
        found = [*described]
        doomed = self._doomed(deadline) if any(one.status in _GOING for one in found) else set()
        return [read_instance(one, self.region, doomed) for one in found]

    def _doomed(self, deadline: Deadline) -> set[str]:
        """Ids of the instances that are being deleted: the cloud tells them as stopping, and tells the operation besides."""
        wanted = '(operationType = "delete") (status != "DONE")'
        under_way = self._client.everywhere("global_operations", key="operations", filter=wanted, deadline=deadline)
        targets = [one.target_link for one in under_way if "/instances/" in one.target_link]
        return {instance_id(target.rpartition("/instances/")[0], target) for target in targets}

    def _delete(self, instance: Instance, deadline: Deadline) -> None:
        zone, name = split_id(instance.id)
        self._client.remove("instances", zone=zone, instance=name, deadline=deadline)

    def _close(self, deleted: Sequence[Instance], deadline: Deadline) -> None:
        """Delete the firewall rules of these instances that no other one is under."""
        tags = {tag for instance in deleted for tag in tags_of(instance) if self._firewall.owns(tag)}
        tokens = {instance.labels[names.TOKEN] for instance in deleted if tags & tags_of(instance)}
        for token in sorted(tokens):
            others = self.list({names.TOKEN: token}, deadline=deadline)
            tags -= {tag for other in others if not other.state.gone for tag in tags_of(other)}
        self._firewall.close(tags, deadline)
