"""The parts of a machine as Azure writes them, of single machines and of the models of scale sets alike."""

from __future__ import annotations

import base64
import ipaddress
import math
from collections.abc import Sequence
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.azure.compute.images import reference
from cloudlayer.providers.azure.options import InstanceOverrides
from cloudlayer.resources import DiskSpec, InstanceSpec, PortRule
from cloudlayer.units import GIB

DISK_TYPE: Final = "StandardSSD_LRS"
"""The kind of disk where a spec names none: every size takes it."""

_ULTRA: Final = "UltraSSD_LRS"

_FIRST_PRIORITY: Final = 100
_MOST_RULES: Final = 1000


def os_profile(spec: InstanceSpec, overrides: InstanceOverrides, public_key: str) -> dict[str, Any]:
    """User, key and start-up script; the name of the machine goes with it. Passwords are off."""
    user = overrides.admin_username
    key = {"path": f"/home/{user}/.ssh/authorized_keys", "keyData": overrides.ssh_public_key or public_key}
    script = {"customData": base64.b64encode(spec.user_data.encode()).decode()} if spec.user_data else {}
    return {
        "adminUsername": user,
        "linuxConfiguration": {"disablePasswordAuthentication": True, "ssh": {"publicKeys": [key]}},
        **script,
    }


def storage_profile(spec: InstanceSpec, image: str, names: Sequence[str] = (), *, deleted: bool = True) -> dict[str, Any]:
    """Image and disks, the boot disk first; `names` are theirs in that order, `deleted` has them go with their machine.

    In the model of a scale set disks have neither: Azure names them, and deletes them with their machine.
    """
    named = iter(names)
    going = {"deleteOption": "Delete"} if deleted else {}
    boot = next((disk for disk in spec.disks if disk.boot), None)
    others = [disk for disk in spec.disks if not disk.boot]
    return {
        "imageReference": reference(image),
        "osDisk": {"createOption": "FromImage", **_disk(boot), **_name(next(named, None)), **going},
        "dataDisks": [
            {"lun": lun, "createOption": "Empty", **_disk(disk), **_name(next(named, None)), **going}
            for lun, disk in enumerate(others)
        ],
    }


def buying(spec: InstanceSpec, overrides: InstanceOverrides) -> dict[str, Any]:
    """How the machine is bought: nothing to say on demand. A spot machine is deleted when Azure wants its place back."""
    if spec.purchase != "spot":
        return {}
    price = -1.0 if overrides.spot_max_price is None else overrides.spot_max_price
    return {"priority": "Spot", "evictionPolicy": "Delete", "billingProfile": {"maxPrice": price}}


def abilities(spec: InstanceSpec) -> dict[str, Any]:
    """What a machine must be made for: Azure gives Ultra disks to those alone that are said to be able to have them."""
    ultra = any(disk.type == _ULTRA for disk in spec.disks)
    return {"additionalCapabilities": {"ultraSSDEnabled": True}} if ultra else {}


def identity(overrides: InstanceOverrides) -> dict[str, Any]:
    """The managed identities, as the machine's own entry."""
    if not overrides.identities:
        return {}
    return {"identity": {"type": "UserAssigned", "userAssignedIdentities": {named: {} for named in overrides.identities}}}


def security_rules(rules: Sequence[PortRule]) -> list[dict[str, Any]]:
    """The openings as rules of a security group. Raises InvalidSpec for a source that is no range of addresses."""
    distinct = list(dict.fromkeys((rule.protocol, rule.port, _range(rule)) for rule in rules))
    if len(distinct) > _MOST_RULES:
        raise InvalidSpec(f"open_ports: {len(distinct)} are too many; a security group has at most {_MOST_RULES}")
    return [
        {
            "name": f"open-{number}",
            "properties": {
                "priority": _FIRST_PRIORITY + number,
                "direction": "Inbound",
                "access": "Allow",
                "protocol": protocol.capitalize(),
                "sourceAddressPrefix": source,
                "sourcePortRange": "*",
                "destinationAddressPrefix": "*",
                "destinationPortRange": str(port),
            },
        }
        for number, (protocol, port, source) in enumerate(distinct)
    ]


def _range(rule: PortRule) -> str:
    try:
        return str(ipaddress.ip_network(rule.source))
    except ValueError:
        raise InvalidSpec(f'open_ports.source: "{rule.source}" is no range of addresses, such as "203.0.113.0/24"') from None


def _disk(disk: DiskSpec | None) -> dict[str, Any]:
    size = {"diskSizeGB": math.ceil(disk.size / GIB)} if disk else {}
    return {"managedDisk": {"storageAccountType": (disk and disk.type) or DISK_TYPE}, **size}


def _name(name: str | None) -> dict[str, str]:
    return {"name": name} if name else {}
