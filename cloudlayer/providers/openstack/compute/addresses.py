"""Public addresses as Neutron has them, since Nova shows a new one only after a while."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.openstack.compute.launches import ADDRESS, pieces_of
from cloudlayer.providers.openstack.compute.network import Network
from cloudlayer.resources import Instance


def with_addresses(instances: Iterable[Instance], network: Network, deadline: Deadline) -> list[Instance]:
    """The instances, those that were made with a public address which Nova does not show yet told by Neutron."""
    found = list(instances)
    if not any(_is_silent(instance) for instance in found):
        return found
    addresses = network.public_addresses(deadline)
    return [
        replace(instance, public_address=addresses.get(instance.id)) if _is_silent(instance) else instance for instance in found
    ]


def _is_silent(instance: Instance) -> bool:
    return instance.public_address is None and ADDRESS in pieces_of(instance.native) and not instance.state.gone
