"""Azure's SKUs of virtual machines, read as machine types. Which GPU a size has, Azure tells by the size's name alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer.providers.azure.marks import REGIONAL
from cloudlayer.providers.base.devices import sold_as
from cloudlayer.resources import Accelerator, MachineType
from cloudlayer.units import GIB, MIB

_FIRMWARE_SHARE: Final = 0.05
_SYSTEM_SHARE: Final = 256 * MIB

GPUS: Final[tuple[tuple[re.Pattern[str], str, float], ...]] = tuple(
    (re.compile(rf"Standard_{pattern}", re.IGNORECASE), model, memory)
    for pattern, model, memory in (
        (r"NC\d+as_T4_v3", "T4", 16),
        (r"NC\d+ads_A100_v4", "A100", 80),
        (r"NCC?\d+adi?s_H100_v5", "H100-NVL", 94),
        (r"ND96asr(_A100)?_v4", "A100", 40),
        (r"ND96amsr_A100_v4", "A100", 80),
        (r"ND96isr?f?_H100_v5", "H100", 80),
        (r"ND96isr?f?_H200_v5", "H200", 141),
        (r"ND96isr?f?_MI300X_v5", "MI300X", 192),
        (r"NV6ads_A10_v5", "A10", 4),
        (r"NV12ads_A10_v5", "A10", 8),
        (r"NV18ads_A10_v5", "A10", 12),
        (r"NV(36|36adm|72)(ads|s)?_A10_v5", "A10", 24),
        (r"NC(6|12|24|24r)s_v3", "V100", 16),
        (r"ND40r?s_v2", "V100", 32),
        (r"NC(6|12|24|24r)s_v2", "P100", 16),
        (r"ND(6|12|24|24r)s", "P40", 24),
        (r"NC(6|12|24|24r)", "K80", 12),
        (r"NV(6|12|24)(s_v2)?", "M60", 8),
        (r"NV(12|24|48)s_v3", "M60", 8),
        (r"NV4as_v4", "MI25", 2),
        (r"NV8as_v4", "MI25", 4),
        (r"NV16as_v4", "MI25", 8),
        (r"NV32as_v4", "MI25", 16),
    )
)
"""The model and the memory in GiB of each device, by the size's name. A share of a device is one device of that memory."""


AMD: Final = ("MI25", "MI300X")
"""The models that NVIDIA's drivers are not for."""


@dataclass(frozen=True, slots=True)
class Sku:
    """A size in one location. It is sold in `zones`, but to this subscription not in those that are `closed`.

    `first_generation` says that it boots images of Hyper-V's first generation alone.
    """

    kind: MachineType
    zones: tuple[str, ...]
    closed: frozenset[str]
    spot: bool
    first_generation: bool

    @property
    def places(self) -> tuple[str, ...]:
        """Its zones, or the location as a whole where it has none."""
        return self.zones or (REGIONAL,)


def read_sku(found: Mapping[str, Any], region: str) -> Sku | None:
    """A size from its SKU; None for what is no size of virtual machines, or has GPUs of a model that is not known here."""
    if found.get("resourceType") != "virtualMachines":
        return None
    facts = {item["name"]: item["value"] for item in found.get("capabilities") or ()}
    kind = _machine_type(found["name"], facts)
    if kind is None:
        return None
    places = [place for place in found.get("locationInfo") or () if place["location"].lower() == region]
    zones = tuple(sorted({zone for place in places for zone in place.get("zones") or ()}))
    return Sku(
        kind,
        zones,
        closed=_closed(found, region, zones),
        spot=facts.get("LowPriorityCapable") == "True",
        first_generation=facts.get("HyperVGenerations", "V1,V2") == "V1",
    )


def _machine_type(name: str, facts: Mapping[str, str]) -> MachineType | None:
    """Nominal figures. 5 % of the memory and 256 MiB are left to firmware and system, so that a plan holds."""
    memory = int(float(facts.get("MemoryGB", 0)) * GIB)
    cores = float(facts.get("vCPUsAvailable") or facts.get("vCPUs") or 0)
    devices = _accelerators(name, facts)
    if not memory or not cores or devices is None:
        return None
    return MachineType(
        name,
        cpu=cores,
        memory=memory,
        architecture="arm64" if facts.get("CpuArchitectureType", "x64").lower() == "arm64" else "x86_64",
        accelerators=devices,
        allocatable_memory=max(int(memory * (1 - _FIRMWARE_SHARE)) - _SYSTEM_SHARE, memory // 4),
    )


def _accelerators(name: str, facts: Mapping[str, str]) -> tuple[Accelerator, ...] | None:
    count = float(facts.get("GPUs", 0))
    if not count:
        return ()
    found = next(((model, memory) for pattern, model, memory in GPUS if pattern.fullmatch(name)), None)
    if found is None:
        return None
    model, memory = found
    size = int(memory * GIB)
    return (Accelerator(sold_as(model, size), size),) * max(1, int(count))


def _closed(found: Mapping[str, Any], region: str, zones: tuple[str, ...]) -> frozenset[str]:
    """The places in which this subscription may not have the size."""
    closed: set[str] = set()
    for restriction in found.get("restrictions") or ():
        info = restriction.get("restrictionInfo") or {}
        if restriction.get("type") == "Location" and region in _lowered(info.get("locations") or restriction.get("values")):
            return frozenset((*zones, REGIONAL))
        if restriction.get("type") == "Zone" and region in _lowered(info.get("locations")):
            closed.update(info.get("zones") or ())
    return frozenset(closed)


def _lowered(values: Any) -> set[str]:
    return {str(value).lower() for value in values or ()}
