"""The machine sizes that are on sale here, after Azure's public lists; the prices are those of a day in 2026."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """A machine size: memory in GiB, prices in US dollars an hour in eastus."""

    name: str
    family: str
    series: str
    cores: int
    memory: float
    disks: int
    price: float
    spot: float
    gpus: int = 0
    architecture: str = "x64"
    zones: tuple[str, ...] = ("1", "2", "3")


SIZES = {
    size.name.lower(): size
    for size in (
        Size("Standard_B1s", "standardBSFamily", "BS", 1, 1, 2, 0.0104, 0.0042),
        Size("Standard_B2s", "standardBSFamily", "BS", 2, 4, 4, 0.0416, 0.0166),
        Size("Standard_D2s_v5", "standardDSv5Family", "Dsv5", 2, 8, 4, 0.096, 0.0192),
        Size("Standard_D4s_v5", "standardDSv5Family", "Dsv5", 4, 16, 8, 0.192, 0.0384),
        Size("Standard_D8s_v5", "standardDSv5Family", "Dsv5", 8, 32, 16, 0.384, 0.0768),
        Size("Standard_D2ps_v5", "standardDPSv5Family", "Dpsv5", 2, 8, 4, 0.077, 0.0154, architecture="Arm64"),
        Size("Standard_F8s_v2", "standardFSv2Family", "FSv2", 8, 16, 16, 0.338, 0.0676),
        Size("Standard_E8s_v5", "standardESv5Family", "Esv5", 8, 64, 16, 0.504, 0.1008),
        Size("Standard_NC4as_T4_v3", "Standard NCASv3_T4 Family", "NCasT4_v3", 4, 28, 8, 0.526, 0.0789, 1),
        Size("Standard_NC64as_T4_v3", "Standard NCASv3_T4 Family", "NCasT4_v3", 64, 440, 32, 4.352, 0.6528, 4),
        Size(
            "Standard_NC24ads_A100_v4",
            "StandardNCADSA100v4Family",
            "NCads A100 v4",
            24,
            220,
            8,
            3.673,
            0.6795,
            1,
            zones=("1", "2"),
        ),
        Size(
            "Standard_NC40ads_H100_v5", "StandardNCadsH100v5Family", "NCads H100 v5", 40, 320, 8, 6.98, 1.396, 1, zones=("3",)
        ),
        Size("Standard_ND96isr_H100_v5", "standardNDSH100v5Family", "NDsrH100v5", 96, 1900, 16, 98.32, 19.66, 8, zones=()),
    )
}

DEARER = {"eastus": 1.0, "westeurope": 1.2, "westus2": 1.0}
"""What a location's prices are to those of eastus."""


def document(size, location, restricted):
    """A size as Microsoft.Compute/skus tells it.

    `restricted` are the zones that the subscription may not have, () for the location.
    """
    short = size.name.removeprefix("Standard_")
    return {
        "resourceType": "virtualMachines",
        "name": size.name,
        "tier": "Standard",
        "size": short,
        "family": size.family,
        "locations": [location],
        "locationInfo": [{"location": location, "zones": list(size.zones), "zoneDetails": []}],
        "capabilities": [{"name": name, "value": value} for name, value in _capabilities(size).items()],
        "restrictions": _restrictions(location, restricted),
    }


def _capabilities(size):
    found = {
        "MaxResourceVolumeMB": "0",
        "OSVhdSizeMB": "1047552",
        "vCPUs": str(size.cores),
        "MemoryPreservingMaintenanceSupported": str(size.gpus == 0),
        "HyperVGenerations": "V2" if size.gpus else "V1,V2",
        "MemoryGB": f"{size.memory:g}",
        "MaxDataDiskCount": str(size.disks),
        "CpuArchitectureType": size.architecture,
        "LowPriorityCapable": "True",
        "PremiumIO": "True",
        "VMDeploymentTypes": "IaaS",
        "vCPUsAvailable": str(size.cores),
        "vCPUsPerCore": "2" if size.architecture == "x64" else "1",
        "EphemeralOSDiskSupported": "False",
        "AcceleratedNetworkingEnabled": str(size.cores > 1),
        "RdmaEnabled": str(size.gpus == 8),
        "MaxNetworkInterfaces": "2",
    }
    return found | ({"GPUs": str(size.gpus)} if size.gpus else {})


def _restrictions(location, zones):
    if zones is None:
        return []
    place = {"locations": [location], **({"zones": list(zones)} if zones else {})}
    kind = "Zone" if zones else "Location"
    return [{"type": kind, "values": [location], "restrictionInfo": place, "reasonCode": "NotAvailableForSubscription"}]
