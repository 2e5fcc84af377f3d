"""Where groups and balancers live: subnets, the network that they belong to, and the zones that sell a machine type."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.client import Client, filters


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet: its id, its zone and its network's id."""

    id: str
    zone: str
    vpc: str


class Places:
    """Looks up places in one region."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def subnets(self, ids: Sequence[str], deadline: Deadline) -> list[Subnet]:
        """The subnets of these ids; without any, the default network's, one a zone. InvalidSpec if there is none."""
        wanted = filters(subnet_id=list(ids)) if ids else filters(default_for_az="true")
        found = self._client.pages("describe_subnets", "Subnets", Filters=wanted, deadline=deadline)
        subnets = [Subnet(item["SubnetId"], item["AvailabilityZone"], item["VpcId"]) for item in found]
        if unknown := set(ids) - {subnet.id for subnet in subnets}:
            raise InvalidSpec(f"overrides.subnet_ids: {', '.join(sorted(unknown))} are not there; see the VPC's own list")
        if not subnets:
            raise InvalidSpec(f"{self._client.region} has no default network: name subnets in overrides.subnet_ids")
        if len({subnet.vpc for subnet in subnets}) > 1:
            raise InvalidSpec("overrides.subnet_ids: they are of more than one VPC; name subnets of one")
        return sorted(subnets, key=lambda subnet: subnet.zone)

    def zones(self, machine_type: str, deadline: Deadline) -> list[str]:
        """The zones with a default subnet in which a machine type is sold."""
        sold = self._client.pages(
            "describe_instance_type_offerings",
            "InstanceTypeOfferings",
            LocationType="availability-zone",
            Filters=filters(instance_type=machine_type),
            deadline=deadline,
        )
        selling = {found["Location"] for found in sold}
        zones = sorted({subnet.zone for subnet in self.subnets((), deadline)} & selling)
        if not zones:
            raise InvalidSpec(f"machine_type: {machine_type} is sold in no zone of {self._client.region} that has a subnet")
        return zones

    def ranges(self, vpc: str, deadline: Deadline) -> list[str]:
        """The ranges of addresses of a network, as CIDRs; the first one is its main range."""
        found = self._client.call("describe_vpcs", VpcIds=[vpc], deadline=deadline)["Vpcs"][0]
        more = [item["CidrBlock"] for item in found.get("CidrBlockAssociationSet", ())]
        return list(dict.fromkeys([found["CidrBlock"], *more]))

    def holds(self, vpc: str, address: str, deadline: Deadline) -> bool:
        """Whether an address is one of the network's."""
        found = ipaddress.ip_address(address)
        return any(found in ipaddress.ip_network(one) for one in self.ranges(vpc, deadline))
