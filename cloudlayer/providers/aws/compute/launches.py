"""How a batch of specs becomes few launches: equal specs are one RunInstances, and each launch has a token of its own.

A launch is known again by its tags: the token says by which attempt, LAUNCH by which launch of which batch, and EC2's
launch index which of its instances is which.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer import labels
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.aws.options import InstanceOverrides
from cloudlayer.providers.aws.tags import LAUNCH, NAME, tag_list
from cloudlayer.providers.base.attempts import derive, fingerprint
from cloudlayer.resources import DiskSpec, InstanceSpec, PortRule
from cloudlayer.specs import checked
from cloudlayer.units import GIB

LARGEST: Final = 100
"""Instances of one launch. EC2 accepts more, and advises against it: a smaller one is likelier to find room."""

_USER_DATA_BYTES: Final = 16 * 1024
_DISK_LETTERS: Final = "fghijklmnop"
_CHILDREN: Final = ("instance", "volume", "network-interface")


@dataclass(frozen=True, slots=True)
class Launch:
    """One RunInstances of a batch: a spec, and the places in the batch that it is for."""

    spec: InstanceSpec
    places: tuple[int, ...]
    token: str
    tags: dict[str, str]
    overrides: InstanceOverrides
    openings: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was found for a spec: ids of EC2's. `root_device` is known where a boot disk is asked for.

    `block` says that the reservation is a capacity block.
    """

    machine_type: str
    image: str
    root_device: str | None = None
    block: bool = False


def plan_launches(specs: Sequence[InstanceSpec], token: str) -> list[Launch]:
    """The launches of a batch: always the same for the same specs and token. Raises InvalidSpec for what EC2 would refuse."""
    places: dict[str, list[int]] = {}
    for place, spec in enumerate(specs):
        places.setdefault(fingerprint([spec]), []).append(place)
    batch = fingerprint(specs)
    parts = [part for equal in places.values() for part in _parts(equal)]
    return [_launch(specs[part[0]], part, token, batch, number) for number, part in enumerate(parts)]


def parameters(launch: Launch, choice: Choice, groups: Sequence[str]) -> dict[str, Any]:
    """The parameters of RunInstances, `groups` being ids of security groups."""
    spec, overrides = launch.spec, launch.overrides
    wanted = {
        "MinCount": 1,
        "MaxCount": len(launch.places),
        "ClientToken": launch.token,
        "InstanceType": choice.machine_type,
        "ImageId": choice.image,
        "NetworkInterfaces": [_network(spec, overrides, groups)],
        "Placement": _placement(spec, overrides),
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"},
        "TagSpecifications": _tags(launch),
        "InstanceMarketOptions": _market(spec, overrides, choice),
        "CapacityReservationSpecification": _reservation(spec) if spec.purchase == "reserved" else None,
        "UserData": spec.user_data,
        "BlockDeviceMappings": _disks(spec.disks, choice.root_device),
        "KeyName": overrides.key_name,
        "InstanceInitiatedShutdownBehavior": _shutdown(spec),
        "IamInstanceProfile": _profile(overrides.iam_instance_profile),
    }
    return {name: value for name, value in wanted.items() if value}


def _shutdown(spec: InstanceSpec) -> str | None:
    """EC2 terminates a one-time spot instance that shuts itself down in any case."""
    return "terminate" if spec.delete_on_shutdown and spec.purchase != "spot" else None


def _parts(places: list[int]) -> list[tuple[int, ...]]:
    return [tuple(places[start : start + LARGEST]) for start in range(0, len(places), LARGEST)]


def _launch(spec: InstanceSpec, places: tuple[int, ...], token: str, batch: str, number: int) -> Launch:
    tags = {**spec.labels, labels.TOKEN: token, LAUNCH: f"{batch}-{number}"}
    if spec.name is not None:
        tags[NAME] = spec.name
    overrides = checked(InstanceOverrides, spec.overrides, "overrides")
    if len((spec.user_data or "").encode()) > _USER_DATA_BYTES:
        raise InvalidSpec("user_data: more than 16 KiB, which EC2 refuses; let it fetch the rest from object storage")
    if sum(not disk.boot for disk in spec.disks) > len(_DISK_LETTERS):
        raise InvalidSpec(f"disks: at most {len(_DISK_LETTERS)} besides the boot disk can be attached at creation")
    openings = tuple(_opening(rule) for rule in spec.open_ports)
    return Launch(spec, places, derive(token, number), tags, overrides, openings)


def _opening(rule: PortRule) -> dict[str, Any]:
    """The rule as EC2 writes it."""
    try:
        network = ipaddress.ip_network(rule.source)
    except ValueError:
        raise InvalidSpec(f'open_ports.source: "{rule.source}" is no range of addresses, such as "203.0.113.0/24"') from None
    ranges = {"IpRanges": [{"CidrIp": str(network)}]} if network.version == 4 else {"Ipv6Ranges": [{"CidrIpv6": str(network)}]}
    return {"IpProtocol": rule.protocol, "FromPort": rule.port, "ToPort": rule.port, **ranges}


def _network(spec: InstanceSpec, overrides: InstanceOverrides, groups: Sequence[str]) -> dict[str, Any]:
    card = {
        "DeviceIndex": 0,
        "AssociatePublicIpAddress": spec.public_address,
        "DeleteOnTermination": True,
        "SubnetId": overrides.subnet_id,
        "Groups": list(groups),
    }
    return {name: value for name, value in card.items() if value not in (None, [])}


def _placement(spec: InstanceSpec, overrides: InstanceOverrides) -> dict[str, str]:
    placement = {"AvailabilityZone": spec.zone, "GroupName": overrides.placement_group}
    return {name: value for name, value in placement.items() if value}


def _tags(launch: Launch) -> list[dict[str, Any]]:
    kinds = (*_CHILDREN, "spot-instances-request") if launch.spec.purchase == "spot" else _CHILDREN
    tags = tag_list(launch.tags)
    return [{"ResourceType": kind, "Tags": tags} for kind in kinds]


def _market(spec: InstanceSpec, overrides: InstanceOverrides, choice: Choice) -> dict[str, Any] | None:
    if choice.block:
        return {"MarketType": "capacity-block"}
    return _spot(overrides) if spec.purchase == "spot" else None


def _spot(overrides: InstanceOverrides) -> dict[str, Any]:
    options = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
    if overrides.spot_max_price is not None:
        options["MaxPrice"] = f"{overrides.spot_max_price:.6f}"
    return {"MarketType": "spot", "SpotOptions": options}


def _reservation(spec: InstanceSpec) -> dict[str, Any]:
    if spec.reservation is None:
        return {"CapacityReservationPreference": "capacity-reservations-only"}
    return {"CapacityReservationTarget": {"CapacityReservationId": spec.reservation}}


def _profile(name: str | None) -> dict[str, str] | None:
    if name is None:
        return None
    return {"Arn" if name.startswith("arn:") else "Name": name}


def _disks(disks: Sequence[DiskSpec], root_device: str | None) -> list[dict[str, Any]]:
    letters = iter(_DISK_LETTERS)
    return [
        {
            "DeviceName": root_device if disk.boot else f"/dev/sd{next(letters)}",
            "Ebs": {
                "VolumeSize": math.ceil(disk.size / GIB),
                "VolumeType": disk.type or "gp3",
                "DeleteOnTermination": True,
            },
        }
        for disk in disks
    ]
