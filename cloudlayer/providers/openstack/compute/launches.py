"""How a batch of specs becomes servers: one request for each spec, since Nova tells the servers of one request apart by
number alone.

A server is known again by its metadata while it lives, and by its description, which Nova keeps, when it is deleted.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from cloudlayer import labels
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.base.attempts import LabelLimits, derive, fingerprint, native_name
from cloudlayer.providers.openstack.compute.servers import PLACE, Record, token_tag
from cloudlayer.providers.openstack.options import InstanceOverrides
from cloudlayer.providers.openstack.pieces import PREFIX
from cloudlayer.resources import InstanceSpec, PortRule
from cloudlayer.specs import checked

PIECES: Final = "cloudlayer-pieces"
"""The metadata that tells what was made for a server besides its disks: the name of its security group, ADDRESS."""

ADDRESS: Final = "floating-ip"
"""The word for a public address among the pieces."""

GROUP_PREFIX: Final = f"{PREFIX}group-"
DISK_PREFIX: Final = f"{PREFIX}disk-"
"""How the names of the security groups and of the disks begin that are made for servers."""

METADATA: Final = LabelLimits(
    re.compile(rf"(?!{PLACE}$|{PIECES}$)[\w:. -]{{1,255}}", re.ASCII),
    re.compile(r".{0,255}", re.DOTALL),
    most=124,
    rule=f'Nova wants names of 1 to 255 letters, digits, spaces and -_:. but "{PLACE}", "{PIECES}", and values to 255',
)
"""What Nova accepts as metadata, less our own four of its 128."""

_USER_DATA_BYTES: Final = 65535
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class Launch:
    """One server of a batch. `labels` are on all that is made for it; `group` names its security group, if it has one."""

    spec: InstanceSpec
    name: str
    record: Record
    labels: Mapping[str, str]
    overrides: InstanceOverrides
    rules: tuple[Mapping[str, Any], ...]
    group: str | None
    disks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """Ids of what a server is made of: flavor, image, network, security groups, disks."""

    flavor: str
    image: str
    network: str
    groups: Sequence[str] = ()
    volumes: Sequence[str] = ()


def plan_launches(specs: Sequence[InstanceSpec], token: str) -> list[Launch]:
    """The launches of a batch: always the same for the same specs and token. Raises InvalidSpec for what Nova would refuse."""
    batch = fingerprint(specs)
    return [_launch(spec, Record(token, batch, place)) for place, spec in enumerate(specs)]


def request(launch: Launch, parts: Parts, now: float) -> dict[str, Any]:
    """The body of a request that makes a server, sent at `now`, in seconds since 1970."""
    spec, overrides = launch.spec, launch.overrides
    user_data = base64.b64encode(spec.user_data.encode()).decode() if spec.user_data else None
    wanted = {
        "name": launch.name,
        "description": str(replace(launch.record, asked=int(now * 1_000_000))),
        "flavorRef": parts.flavor,
        "imageRef": "" if _boots_from_volume(spec) else parts.image,
        "networks": [{"uuid": parts.network}],
        "security_groups": [{"name": group} for group in parts.groups],
        "availability_zone": spec.zone,
        "metadata": _metadata(launch),
        "tags": [token_tag(launch.record.token)],
        "user_data": user_data,
        "block_device_mapping_v2": _devices(spec, parts),
        "key_name": overrides.key_name,
        "config_drive": overrides.config_drive or None,
    }
    body: dict[str, Any] = {"server": {name: value for name, value in wanted.items() if value not in (None, [])}}
    if overrides.server_group:
        body["os:scheduler_hints"] = {"group": overrides.server_group}
    return body


def _launch(spec: InstanceSpec, record: Record) -> Launch:
    overrides = checked(InstanceOverrides, spec.overrides, "overrides")
    if len(base64.b64encode((spec.user_data or "").encode())) > _USER_DATA_BYTES:
        raise InvalidSpec("user_data: more than 48 KiB, which Nova refuses; let it fetch the rest from object storage")
    rules = {fingerprint([rule]): firewall_rule(rule) for rule in spec.open_ports}
    own = derive(record.token, record.batch, record.place)
    return Launch(
        spec,
        spec.name or native_name(None, record.token, _LONGEST_NAME),
        record,
        {**spec.labels, labels.TOKEN: record.token, labels.SPEC: record.batch},
        overrides,
        tuple(rules.values()),
        group=f"{GROUP_PREFIX}{derive(record.token, record.batch, *sorted(rules))}" if rules else None,
        disks=tuple(f"{DISK_PREFIX}{own}-{number}" for number in range(len(spec.disks))),
    )


def firewall_rule(rule: PortRule) -> dict[str, Any]:
    """The rule as Neutron writes it."""
    try:
        source = ipaddress.ip_network(rule.source)
    except ValueError:
        raise InvalidSpec(f'open_ports.source: "{rule.source}" is no range of addresses, such as "203.0.113.0/24"') from None
    return {
        "direction": "ingress",
        "ethertype": f"IPv{source.version}",
        "protocol": rule.protocol,
        "port_range_min": rule.port,
        "port_range_max": rule.port,
        "remote_ip_prefix": str(source),
    }


def _metadata(launch: Launch) -> dict[str, str]:
    pieces = [word for word in (launch.group, ADDRESS if launch.spec.public_address else None) if word]
    told = {PIECES: " ".join(pieces)} if pieces else {}
    return {**launch.labels, PLACE: str(launch.record.place), **told}


def pieces_of(server: Mapping[str, Any]) -> set[str]:
    """What was made for a server besides its disks, as PIECES tells it."""
    return set((server.get("metadata") or {}).get(PIECES, "").split())


def _boots_from_volume(spec: InstanceSpec) -> bool:
    return any(disk.boot for disk in spec.disks)


def _devices(spec: InstanceSpec, parts: Parts) -> list[dict[str, Any]]:
    """The disks as Nova writes them, the boot disk among them; none where the image on the flavor's own disk is all."""
    devices: list[dict[str, Any]] = [
        {
            "boot_index": 0 if disk.boot else -1,
            "uuid": volume,
            "source_type": "volume",
            "destination_type": "volume",
            "delete_on_termination": True,
        }
        for disk, volume in zip(spec.disks, parts.volumes, strict=True)
    ]
    if devices and not _boots_from_volume(spec):
        local = {"boot_index": 0, "uuid": parts.image, "source_type": "image", "destination_type": "local"}
        devices.insert(0, {**local, "delete_on_termination": True})
    return devices
