"""What an instance is made of: the same for single ones and for the templates of groups.

A template names machine types, disk types and accelerators without their zone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.compute.accelerators import Machine
from cloudlayer.providers.gcp.compute.instances import IMAGE
from cloudlayer.providers.gcp.marks import LONGEST_NAME
from cloudlayer.providers.gcp.options import InstanceOverrides
from cloudlayer.providers.gcp.storage.disk_types import rounded
from cloudlayer.resources import DiskSpec, InstanceSpec
from cloudlayer.specs import checked
from cloudlayer.units import GIB, MIB

LOCAL_SSD_GIB: Final = 375
"""The size of a local SSD, which is part of its machine: several make a larger one."""

_LOCAL: Final = "local-ssd"
_USER_DATA_BYTES: Final = 256 * 1024
_HYPERDISK_ONLY: Final = frozenset({"c4", "c4a", "c4d", "n4", "n4a", "n4d", "m4", "x4", "a4", "a4x", "h4d", "g4"})
_BARE_METAL: Final = "-metal"
_STAYS: Final = ("h3-", "h4d-")
_RESERVATION: Final = "compute.googleapis.com/reservation-name"
_TAIL: Final = 17
"""Characters at the end of an instance's name that no other has: a hyphen, and what follows from its token."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was found for a spec: a machine type, the zones to try in turn, an image's path, and a reservation's name.

    `drivers` says that the image puts the GPU's drivers in at its first start, `cloud_init` that it reads user data itself.
    """

    machine: Machine
    zones: tuple[str, ...]
    image: str
    has_gpu: bool = False
    drivers: bool = False
    cloud_init: bool = True
    reservation: str | None = None


def checked_overrides(spec: InstanceSpec) -> InstanceOverrides:
    """The overrides of a spec, and that its user data is not too long."""
    if len((spec.user_data or "").encode()) > _USER_DATA_BYTES:
        raise InvalidSpec("user_data: more than 256 KiB, which Google refuses; let it fetch the rest from object storage")
    return checked(InstanceOverrides, spec.overrides, "overrides")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A spec with what was found for it, and what is put onto all that is made: marks, and network tags besides its own."""

    spec: InstanceSpec
    overrides: InstanceOverrides
    choice: Choice
    marks: Mapping[str, str]
    tags: tuple[str, ...] = ()


def properties(client: Client, wanted: Wanted, *, zone: str | None = None, name: str | None = None) -> dict[str, Any]:
    """What an instance is made of, in the SDK's names: for one in `zone` called `name`, or for a template without either."""
    overrides, choice = wanted.overrides, wanted.choice
    where = _Where(client, zone, name)
    found: dict[str, Any] = {
        "machine_type": where.path("machineTypes", choice.machine.base),
        "labels": dict(wanted.marks),
        "disks": _disks(wanted, where),
        "network_interfaces": [_card(client, wanted.spec, overrides)],
        "scheduling": _scheduling(wanted),
        "metadata": {"items": [{"key": key, "value": value} for key, value in _metadata(wanted).items()]},
        "tags": {"items": [*overrides.network_tags, *wanted.tags]},
        "guest_accelerators": _devices(choice.machine, where),
        "reservation_affinity": _reservation(choice.reservation),
        "service_accounts": _accounts(overrides),
        "min_cpu_platform": overrides.min_cpu_platform,
    }
    if overrides.secure_boot:
        found["shielded_instance_config"] = {"enable_secure_boot": True, "enable_vtpm": True}
    if overrides.confidential:
        found["confidential_instance_config"] = {"enable_confidential_compute": True}
    return {key: value for key, value in found.items() if value}


def network_of(client: Client, overrides: InstanceOverrides) -> str:
    """The path of the network that an instance is in."""
    name = overrides.network or client.options.network
    return name if "/" in name else client.link("networks", name)


@dataclass(frozen=True, slots=True)
class _Where:
    """How things are named: types by their path in a zone, or in a template by their name alone."""

    client: Client
    zone: str | None
    name: str | None

    def path(self, kind: str, name: str) -> str:
        return self.client.link(kind, name, zone=self.zone) if self.zone else name

    def disk(self, number: int) -> str | None:
        """The name of a data disk, which follows from the instance's; a group names those of its members itself."""
        if self.name is None:
            return None
        end = f"{self.name[-_TAIL:]}-{number}"
        return self.name[:-_TAIL][: LONGEST_NAME - len(end)] + end


def _disks(wanted: Wanted, where: _Where) -> list[dict[str, Any]]:
    """The boot disk, then the others in their order; all are deleted with the instance."""
    disks = wanted.spec.disks
    boot = _disk(next((disk for disk in disks if disk.boot), None), wanted, where)
    boot["initialize_params"]["source_image"] = wanted.choice.image
    others = [_disk(disk, wanted, where) for disk in disks if not disk.boot and disk.type != _LOCAL]
    for number, disk in enumerate(others):
        disk["device_name"] = f"disk-{number}"
        disk["initialize_params"]["disk_name"] = where.disk(number)
    local = sum(math.ceil(disk.size / (LOCAL_SSD_GIB * GIB)) for disk in disks if disk.type == _LOCAL)
    return [{**boot, "boot": True}, *others, *[_local(where)] * local]


def _local(where: _Where) -> dict[str, Any]:
    """A local SSD, which has neither a name nor labels."""
    parameters = {"disk_type": where.path("diskTypes", _LOCAL)}
    return {"type_": "SCRATCH", "interface": "NVME", "auto_delete": True, "initialize_params": parameters}


def _disk(disk: DiskSpec | None, wanted: Wanted, where: _Where) -> dict[str, Any]:
    """A disk as Compute Engine writes it; None for the boot disk of a spec that says nothing of it."""
    kind = (disk.type if disk else None) or default_disk_type(wanted.choice.machine.base)
    parameters: dict[str, Any] = {"disk_type": where.path("diskTypes", kind), "labels": dict(wanted.marks)}
    if disk:
        parameters["disk_size_gb"] = rounded(kind, disk.size)
    if disk and not disk.boot and kind.startswith("hyperdisk"):
        throughput = wanted.overrides.disk_throughput
        parameters["provisioned_iops"] = wanted.overrides.disk_iops
        parameters["provisioned_throughput"] = throughput and math.ceil(throughput / MIB)
    return {"auto_delete": True, "initialize_params": parameters}


def default_disk_type(machine_type: str) -> str:
    """The type of a disk that names none: balanced, of the kind that the machine's series takes."""
    series = machine_type.partition("-")[0]
    hyperdisk = series in _HYPERDISK_ONLY or machine_type.startswith("a3-ultragpu-") or machine_type.endswith(_BARE_METAL)
    return "hyperdisk-balanced" if hyperdisk else "pd-balanced"


def _card(client: Client, spec: InstanceSpec, overrides: InstanceOverrides) -> dict[str, Any]:
    subnetwork = overrides.subnetwork or client.options.subnetwork
    card: dict[str, Any] = {"network": network_of(client, overrides)}
    if subnetwork:
        card["subnetwork"] = subnetwork if "/" in subnetwork else client.link("subnetworks", subnetwork, region=True)
    if spec.public_address:
        card["access_configs"] = [{"type_": "ONE_TO_ONE_NAT", "name": "External NAT"}]
    return card


def _scheduling(wanted: Wanted) -> dict[str, Any] | None:
    """Spot instances are deleted when they are taken back; some others cannot move to another host while they run."""
    if wanted.spec.purchase == "spot":
        return {
            "provisioning_model": "SPOT",
            "instance_termination_action": "DELETE",
            "on_host_maintenance": "TERMINATE",
            "automatic_restart": False,
        }
    if wanted.choice.has_gpu or wanted.overrides.confidential or stays(wanted.choice.machine.base):
        return {"on_host_maintenance": "TERMINATE", "automatic_restart": True}
    return None


def stays(machine_type: str) -> bool:
    """Whether instances of a type, devices apart, cannot move to another host while they run: bare metal, and some series."""
    return machine_type.startswith(_STAYS) or machine_type.endswith(_BARE_METAL)


def _metadata(wanted: Wanted) -> dict[str, str]:
    items = {**wanted.overrides.metadata, IMAGE: wanted.choice.image}
    if wanted.choice.drivers:
        items.setdefault("install-nvidia-driver", "True")
    if wanted.spec.user_data:
        items["user-data" if wanted.choice.cloud_init else "startup-script"] = wanted.spec.user_data
    return items


def _devices(machine: Machine, where: _Where) -> list[dict[str, Any]]:
    if not machine.count:
        return []
    return [{"accelerator_type": where.path("acceleratorTypes", machine.kind), "accelerator_count": machine.count}]


def _reservation(name: str | None) -> dict[str, Any] | None:
    if name is None:
        return None
    return {"consume_reservation_type": "SPECIFIC_RESERVATION", "key": _RESERVATION, "values": [name]}


def _accounts(overrides: InstanceOverrides) -> list[dict[str, Any]]:
    if overrides.service_account is None:
        return []
    return [{"email": overrides.service_account, "scopes": list(overrides.scopes)}]
