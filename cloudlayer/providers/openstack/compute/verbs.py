"""Compute: servers of Nova, in networks of Neutron, from images of Glance, with disks of Cinder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import CapacityError, CloudError, Conflict, NotFound, QuotaError, RejectedSpec
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import checked_token
from cloudlayer.providers.base.capabilities import require_for
from cloudlayer.providers.base.compute import BaseCompute
from cloudlayer.providers.base.errors import Where, translate
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.addresses import with_addresses
from cloudlayer.providers.openstack.compute.attempts import Attempts
from cloudlayer.providers.openstack.compute.choices import Choices
from cloudlayer.providers.openstack.compute.creating import Creating
from cloudlayer.providers.openstack.compute.launches import ADDRESS, METADATA, pieces_of, plan_launches
from cloudlayer.providers.openstack.compute.resizing import Resizing
from cloudlayer.providers.openstack.compute.servers import DELETED, FAULTS, fault_code, is_going, read_instance, record_of
from cloudlayer.resources import Image, Instance, InstanceSpec, InstanceState, Offer

_ANSWERS: Final = (CapacityError, QuotaError, RejectedSpec)
_STOPPED: Final = (InstanceState.STOPPED, InstanceState.STOPPING)


class NovaCompute(BaseCompute):
    """Instances of Nova in one region."""

    settle = 10.0

    def __init__(self, client: Client, capabilities: Capabilities, choices: Choices, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._catalogue = choices.catalogue
        self._images = choices.images
        self._network = choices.network
        self._attempts = Attempts(client)
        self._resizing = Resizing(client, clock)
        self._creating = Creating(client, choices, clock, self.delete)

    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Each flavor in each availability zone, at the operator's price where one is known."""
        return self._catalogue.offers(self._bound(deadline))

    def images(self, name: str | None = None, *, deadline: Deadline | None = None) -> list[Image]:
        """Images by id, by name, or by friendly name; without one, all that this project can start."""
        return self._images.find(name, self._bound(deadline))

    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """One answer for each spec, in order; each is a request of its own.

        Nova knows no tokens: servers of the token are looked for first, and once more before a request is sent again. It
        answers before it has found a host, so this waits until it has, or until `deadline`; a server that no host had room for
        is deleted and its answer is CapacityError, after which the same token may find room. Of two that were made at once by
        two processes, the older stays. A deleted server's token stays used for as long as the operator keeps Nova's records.
        """
        require_for(specs, self.capabilities)
        for spec in specs:
            METADATA.check(spec.labels)
        launches = plan_launches(specs, checked_token(token))
        if not launches:
            return []
        return self._creating.create(launches, self._bound(deadline))

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as it is now; NotFound once it is deleted."""
        bound = self._bound(deadline)
        return with_addresses([read_instance(self._server(id, bound), self.region)], self._network, bound)[0]

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Begin to delete the instances, with their disks, public addresses, and the security groups made for them."""
        bound = self._bound(deadline)
        for name in dict.fromkeys(ids):
            with suppress(NotFound):
                self._delete(self._server(name, bound), bound)

    def start(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to start a stopped instance; no error if it runs."""
        self._act(id, "os-start", (InstanceState.RUNNING,), self._bound(deadline))

    def stop(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to stop a running instance; no error if it is stopped. Conflict while it is being built."""
        self._act(id, "os-stop", _STOPPED, self._bound(deadline))

    def reboot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Restart the instance's system; one that does not answer is restarted hard, by Nova, after its time-out."""
        self._action(id, "reboot", {"type": "SOFT"}, self._bound(deadline))

    def resize(self, id: str, machine_type: str, *, deadline: Deadline | None = None) -> None:
        """Change the flavor of a stopped instance, and wait for it; Conflict if it is not stopped, or has no room elsewhere."""
        bound = self._bound(deadline)
        kind, flavor = self._catalogue.flavor(machine_type, bound)
        self._resizing.resize(self._server(id, bound), kind.name, flavor, bound)

    def console_log(self, id: str, *, deadline: Deadline | None = None) -> str:
        """What the machine wrote to its console; empty while it is being built."""
        try:
            answer = self._action(id, "os-getConsoleOutput", {}, self._bound(deadline))
        except Conflict:
            return ""
        return str(answer.get("output") or "")

    def failure(self, instance: Instance, wanted: InstanceState) -> CloudError:
        """The error for an instance that ended on its way: a lack of hosts or quota is told apart, as in a refusal."""
        error, code = super().failure(instance, wanted), fault_code(instance.native or {})
        if code not in FAULTS or not issubclass(FAULTS[code].error, _ANSWERS):
            return error
        where = Where("openstack", self.region, instance.zone or None, instance.machine_type)
        return translate(FAULTS, code, error.message, where)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance of the project that carries all of `labels` as metadata, members of groups included."""
        wanted, bound = dict(labels or {}).items(), self._bound(deadline)
        found = self._client.pages("compute", "/servers/detail", "servers", deadline=bound)
        fitting = (read_instance(server, self.region) for server in found if wanted <= (server["metadata"] or {}).items())
        return with_addresses(fitting, self._network, bound)

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _delete(self, server: Mapping[str, Any], deadline: Deadline) -> None:
        """Pieces first, as far as they hold others up; a group that another living server is in, or comes into, stays."""
        pieces = pieces_of(server)
        self._network.release(pieces, server["id"], deadline)
        self._end(server, deadline)
        token = server["metadata"].get(names.TOKEN)
        others = self._attempts.alive(token, deadline) if pieces and token else ()
        for other in others:
            if other["id"] != server["id"] and not is_going(other):
                pieces -= pieces_of(other)
        self._network.remove(pieces - {ADDRESS}, deadline)

    def _end(self, server: Mapping[str, Any], deadline: Deadline) -> None:
        """Delete the server; one that is being built goes on for a while as if nothing had been asked, so it is marked."""
        path = f"/servers/{server['id']}"
        with suppress(NotFound):
            self._client.call("compute", "DELETE", path, deadline=deadline)
            record = record_of(server)
            if record is not None and not record.end and server["status"] == "BUILD":
                body = {"server": {"description": str(replace(record, end=DELETED))}}
                self._client.call("compute", "PUT", path, json=body, deadline=deadline)

    def _server(self, id: str, deadline: Deadline) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._client.call("compute", "GET", f"/servers/{id}", deadline=deadline)["server"]
        except RejectedSpec as error:
            raise NotFound(f"instance {id} is not there", provider=self.provider, code=error.code) from None
        return found

    def _action(self, id: str, action: str, arguments: Any, deadline: Deadline) -> dict[str, Any]:
        answer = self._client.call("compute", "POST", f"/servers/{id}/action", json={action: arguments}, deadline=deadline)
        return answer or {}

    def _act(self, id: str, action: str, wanted: Sequence[InstanceState], deadline: Deadline) -> None:
        """Nova refuses what is done already, with the same 409 as what cannot be done: the state tells them apart."""
        try:
            self._action(id, action, None, deadline)
        except Conflict:
            if self.get(id, deadline=deadline).state not in wanted:
                raise
