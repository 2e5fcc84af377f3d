"""How servers are made so that a token makes each but once: look, make what is not there, look whether Nova found a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from cloudlayer.errors import (
    TOKEN_SPENT,
    AuthError,
    CapacityError,
    CloudError,
    Conflict,
    QuotaError,
    RejectedSpec,
    Throttled,
    TransientError,
)
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.errors import Where, translate
from cloudlayer.providers.base.turns import Turns
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.addresses import with_addresses
from cloudlayer.providers.openstack.compute.attempts import Attempts, Server
from cloudlayer.providers.openstack.compute.choices import Choice, Choices
from cloudlayer.providers.openstack.compute.disks import Disks
from cloudlayer.providers.openstack.compute.launches import Launch, Parts, pieces_of, request
from cloudlayer.providers.openstack.compute.servers import (
    FAULTS,
    PLACE,
    REFUSED,
    fault_code,
    is_going,
    is_placed,
    read_instance,
    was_refused,
)
from cloudlayer.providers.openstack.creation import look_or_make
from cloudlayer.resources import Instance, InstanceState

_ANSWERS: Final = (CapacityError, QuotaError, RejectedSpec)
"""Errors that hit one spec; any other is one of the whole call."""

_MAY_COME: Final = (AuthError, Throttled, TransientError)
"""Errors after which the same launch may go through, or has: what was made for it is kept."""

_LOOK: Final = 0.4


class Delete(Protocol):
    """Deletes servers with what was made for them."""

    def __call__(self, ids: Sequence[str], *, deadline: Deadline) -> None:
        """Begin to delete the servers with these ids."""
        ...


class Creating:
    """Makes the servers of batches, one batch of a token at a time. `delete` takes ids of servers."""

    def __init__(self, client: Client, choices: Choices, clock: Clock, delete: Delete) -> None:
        self._client = client
        self._choices = choices
        self._network = choices.network
        self._clock = clock
        self._delete = delete
        self._disks = Disks(client, clock)
        self._attempts = Attempts(client)
        self._turns = Turns()

    def create(self, launches: Sequence[Launch], deadline: Deadline) -> list[Instance | CloudError]:
        """An answer for each launch. Nothing is made before all of them are found good."""
        token = launches[0].record.token
        with self._turns.take(token, deadline):
            earlier = self._attempts.earlier(launches, deadline)
            answers: dict[int, Instance | CloudError] = dict.fromkeys(earlier.used_up, _used_up(token))
            missing = [launch for launch in launches if launch.record.place not in (*answers, *earlier.servers)]
            try:
                answers.update(self._make_all(missing, deadline))
                answers.update(self._settle([launch for launch in launches if launch.record.place not in answers], deadline))
            except _MAY_COME:
                raise
            except CloudError:
                self._drop_groups(launches, deadline)
                raise
            if not all(isinstance(answer, Instance) for answer in answers.values()):
                self._drop_groups(launches, deadline)
            return [answers[launch.record.place] for launch in launches]

    def _make_all(self, launches: Sequence[Launch], deadline: Deadline) -> dict[int, CloudError]:
        """Ask for the servers; errors by the places that there are none for."""
        choices = self._choices.choose([launch.spec for launch in launches], deadline)
        asked = {
            launch.record.place: self._make(launch, choice, deadline) for launch, choice in zip(launches, choices, strict=True)
        }
        return {place: error for place, error in asked.items() if error is not None}

    def _make(self, launch: Launch, choice: Choice, deadline: Deadline) -> CloudError | None:
        """Ask for the server with all that belongs to it; the error if there is to be none."""
        where = Where("openstack", self._client.region, launch.spec.zone, choice.kind.name)
        try:
            parts = self._parts(launch, choice, deadline)
            look_or_make(
                self._client.retries,
                lambda: self._present(launch, deadline),
                lambda: self._ask(request(launch, parts, self._clock.now()), where, deadline),
                doing=f"making the server {launch.name}",
                deadline=deadline,
            )
        except CloudError as error:
            if not isinstance(error, _MAY_COME):
                self._disks.remove(launch.disks, deadline)
            if not isinstance(error, _ANSWERS):
                raise
            return error
        return None

    def _ask(self, body: Mapping[str, Any], where: Where, deadline: Deadline) -> None:
        self._client.call("compute", "POST", "/servers", json=body, where=where, again=False, deadline=deadline)

    def _parts(self, launch: Launch, choice: Choice, deadline: Deadline) -> Parts:
        groups = self._network.groups(launch, choice.groups, deadline)
        volumes = self._disks.make(launch, choice.image, deadline)
        return Parts(choice.flavor, choice.image, choice.network, groups, volumes)

    def _present(self, launch: Launch, deadline: Deadline) -> Server | None:
        record = launch.record
        found = self._attempts.alive(record.token, deadline)
        return next((server for server in found if server["metadata"].get(PLACE) == str(record.place)), None)

    def _settle(self, launches: Sequence[Launch], deadline: Deadline) -> dict[int, Instance | CloudError]:
        """Answers by place, once Nova has found a host for each or given up; or as it is when the time is up."""
        if not launches:
            return {}
        found = self._attempts.earlier(launches, deadline)
        while not all(map(is_placed, found.all)) and deadline.remaining() > _LOOK and not deadline.cancelled.is_set():
            self._clock.sleep(_LOOK)
            found = self._attempts.earlier(launches, deadline)
        if found.twins:
            self._delete([twin["id"] for twin in found.twins], deadline=deadline)
        token = launches[0].record.token
        return {
            launch.record.place: self._answer(launch, found.servers[launch.record.place][0], deadline)
            if launch.record.place in found.servers
            else _used_up(token)
            for launch in launches
        }

    def _answer(self, launch: Launch, server: Server, deadline: Deadline) -> Instance | CloudError:
        """The instance; or, with the server deleted again, why there can be none."""
        instance = read_instance(server, self._client.region, launch.spec.zone)
        if was_refused(server):
            where = Where("openstack", self._client.region, launch.spec.zone, instance.machine_type)
            error = translate(FAULTS, fault_code(server), instance.reason or "no host has room", where)
            return self._refused(launch, instance.id, error, deadline)
        try:
            return self._with_address(launch, instance, deadline) if launch.spec.public_address else instance
        except _ANSWERS as error:
            return self._refused(launch, instance.id, error, deadline)

    def _refused(self, launch: Launch, server: str, error: CloudError, deadline: Deadline) -> CloudError:
        """Take away a server that never came to be whole, in such a way that its place is free for another try."""
        body = {"server": {"description": str(replace(launch.record, end=REFUSED))}}
        self._client.call("compute", "PUT", f"/servers/{server}", json=body, deadline=deadline)
        self._delete([server], deadline=deadline)
        self._disks.remove(launch.disks, deadline)
        return error

    def _with_address(self, launch: Launch, instance: Instance, deadline: Deadline) -> Instance:
        """The instance once it has its public address, which wants a port, which comes a little later than the host."""
        while instance.state == InstanceState.PENDING and not self._network.public_address(launch, instance.id, deadline):
            self._clock.sleep(min(_LOOK, deadline.remaining()))
            deadline.check(f"giving {instance.id} a public address")
            server = self._client.call("compute", "GET", f"/servers/{instance.id}", deadline=deadline)["server"]
            instance = read_instance(server, self._client.region, launch.spec.zone)
        if instance.state == InstanceState.RUNNING:
            self._network.public_address(launch, instance.id, deadline)
        return with_addresses([instance], self._network, deadline)[0]

    def _drop_groups(self, launches: Sequence[Launch], deadline: Deadline) -> None:
        """Delete the security groups that no server came to be in."""
        groups = {launch.group for launch in launches if launch.group}
        for server in self._attempts.alive(launches[0].record.token, deadline) if groups else ():
            if not is_going(server):
                groups -= pieces_of(server)
        self._network.remove(groups, deadline)


def _used_up(token: str) -> Conflict:
    message = f"this instance of token {token} is deleted: a token never launches twice; make a new one"
    return Conflict(message, provider="openstack", code=TOKEN_SPENT)
