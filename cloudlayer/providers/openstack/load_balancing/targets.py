"""Where a balancer's targets are reached: an instance at its private address, an address as it is."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any, Final

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, RejectedSpec
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.servers import read_instance
from cloudlayer.providers.openstack.load_balancing.balancers import Place
from cloudlayer.resources import InstanceState, TargetSpec

_LOOK: Final = 1.0
_COMING: Final = (InstanceState.PENDING, InstanceState.RUNNING)


class Places:
    """Finds the addresses of targets."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def of(self, targets: Iterable[TargetSpec], deadline: Deadline) -> list[Place]:
        """The instances and addresses among the targets; NotFound for an instance that is not there."""
        places = []
        for target in targets:
            if target.instance is not None:
                places.append(Place(target.instance, self._address(target.instance, deadline)))
            elif target.address is not None:
                places.append(Place(target.address, _checked(target.address)))
        return places

    def _address(self, id: str, deadline: Deadline) -> str:
        """An instance's private address; one that is being made has none yet, and is waited for."""
        while True:
            instance = read_instance(self._server(id, deadline), self._client.region)
            if instance.private_address is not None:
                return instance.private_address
            if instance.state not in _COMING:
                message = f"{id} is {instance.state} and has no address: it cannot be a target"
                raise Conflict(message, provider="openstack", code="NoAddress")
            deadline.check(f"waiting for {id} to have an address")
            self._clock.sleep(min(_LOOK, deadline.remaining()))

    def _server(self, id: str, deadline: Deadline) -> dict[str, Any]:
        """Nova's description; it answers 400 to what is no id at all."""
        try:
            found: dict[str, Any] = self._client.call("compute", "GET", f"/servers/{id}", deadline=deadline)["server"]
        except RejectedSpec as error:
            raise NotFound(f"instance {id} is not there", provider="openstack", code=error.code) from None
        return found


def _checked(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise InvalidSpec(f'targets: "{address}" is no IP address, and Octavia takes no names: give one') from None
