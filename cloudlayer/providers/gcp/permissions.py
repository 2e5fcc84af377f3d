"""The least that IAM must allow: what each method that is called needs. Without the SDK, since `cloudlayer iam` needs none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_OPERATIONS: Final = ("zoneOperations", "regionOperations", "globalOperations")


def _of(collection: str, *verbs: str) -> dict[str, tuple[str, ...]]:
    """Methods whose permission has their own name."""
    return {f"compute.{collection}.{verb}": (f"compute.{collection}.{verb}",) for verb in verbs}


def _listed(collection: str) -> dict[str, tuple[str, ...]]:
    """The lists of a collection, one zone's or all at once."""
    return dict.fromkeys(
        (f"compute.{collection}.list", f"compute.{collection}.aggregatedList"), (f"compute.{collection}.list",)
    )


def _own(collection: str, *verbs: str, asked: str = "") -> dict[str, tuple[str, ...]]:
    """Methods that make, read, change and delete what is in a collection; `asked` is what IAM asks about, if another."""
    words = {"insert": "create", "patch": "update"}
    return {f"compute.{collection}.{verb}": (f"compute.{asked or collection}.{words.get(verb, verb)}",) for verb in verbs}


def _both(collection: str, *verbs: str, asked: str = "") -> dict[str, tuple[str, ...]]:
    """Such methods of a collection and of its regional twin, with the list of both; `asked` as in `_own`, for both."""
    regional = f"region{collection[0].upper()}{collection[1:]}"
    lists = dict.fromkeys(f"compute.{asked or each}.list" for each in (collection, regional))
    return {
        **_own(collection, *verbs, asked=asked),
        **_own(regional, *verbs, asked=asked),
        f"compute.{collection}.aggregatedList": tuple(lists),
    }


ACCOUNT: Final[Mapping[str, tuple[str, ...]]] = {
    **_of("projects", "get"),
    **_of("regions", "get"),
    **_of("zoneOperations", "get", "list"),
    **_of("regionOperations", "get"),
    **_of("globalOperations", "get"),
    "compute.globalOperations.aggregatedList": tuple(f"compute.{collection}.list" for collection in _OPERATIONS),
}
CATALOGUE: Final[Mapping[str, tuple[str, ...]]] = {
    **_listed("machineTypes"),
    **_of("machineTypes", "get"),
    **_listed("acceleratorTypes"),
    **_listed("reservations"),
    **_of("images", "get", "getFromFamily", "list"),
}
INSTANCES: Final[Mapping[str, tuple[str, ...]]] = {
    **_listed("instances"),
    **_of("instances", "get", "start", "stop", "reset", "getSerialPortOutput"),
    **_of("instances", "setMachineType", "setMachineResources", "setScheduling"),
    "compute.instances.insert": (
        *("compute.instances.create", "compute.instances.setMetadata", "compute.instances.setTags"),
        *("compute.instances.setLabels", "compute.instances.setServiceAccount", "iam.serviceAccounts.actAs"),
        *("compute.disks.create", "compute.disks.setLabels", "compute.images.useReadOnly"),
        *("compute.subnetworks.use", "compute.subnetworks.useExternalIp"),
    ),
    "compute.instances.delete": ("compute.instances.delete", "compute.disks.delete"),
}
FIREWALLS: Final[Mapping[str, tuple[str, ...]]] = {
    **_of("firewalls", "list"),
    "compute.firewalls.insert": ("compute.firewalls.create", "compute.networks.updatePolicy"),
    "compute.firewalls.delete": ("compute.firewalls.delete", "compute.networks.updatePolicy"),
}

STORAGE: Final[Mapping[str, tuple[str, ...]]] = {
    **_listed("disks"),
    **_own("disks", "get", "resize", "delete"),
    "compute.disks.insert": (
        *("compute.disks.create", "compute.disks.setLabels", "compute.disks.useReadOnly", "compute.snapshots.useReadOnly"),
    ),
    **_listed("diskTypes"),
    **_own("snapshots", "get", "list", "delete"),
    "compute.snapshots.insert": (*("compute.snapshots.create", "compute.snapshots.setLabels", "compute.disks.createSnapshot"),),
    "compute.instances.attachDisk": ("compute.instances.attachDisk", "compute.disks.use"),
    "compute.instances.detachDisk": ("compute.instances.detachDisk", "compute.disks.use"),
}
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    **_both("instanceGroupManagers", "insert", "delete", asked="instanceGroupManagers"),
    **_both("autoscalers", "get", "insert", "update", "delete", asked="autoscalers"),
    **dict.fromkeys(
        (
            f"compute.{scope}nstanceGroupManagers.{verb}"
            for scope in ("i", "regionI")
            for verb in ("listManagedInstances", "listErrors")
        ),
        ("compute.instanceGroupManagers.get", "compute.instanceGroupManagers.list"),
    ),
    **dict.fromkeys(
        (f"compute.{scope}nstanceGroupManagers.{verb}" for scope in ("i", "regionI") for verb in ("patch", "resize")),
        ("compute.instanceGroupManagers.update", "compute.instanceTemplates.useReadOnly"),
    ),
    **_own("regionInstanceTemplates", "insert", "list", "delete", asked="instanceTemplates"),
    **_own("instances", "setLabels"),
}
BALANCERS: Final[Mapping[str, tuple[str, ...]]] = {
    **_both("healthChecks", "insert", "patch", "delete"),
    **_both("backendServices", "get", "insert", "update", "delete"),
    **_both("urlMaps", "insert", "delete"),
    **_both("targetHttpProxies", "insert", "delete"),
    **_both("targetHttpsProxies", "insert", "delete"),
    **_both("targetTcpProxies", "insert", "delete"),
    "compute.backendServices.getHealth": ("compute.backendServices.get", "compute.instanceGroups.use"),
    "compute.regionBackendServices.getHealth": ("compute.regionBackendServices.get", "compute.instanceGroups.use"),
    **_own("forwardingRules", "insert", "delete"),
    **_own("globalForwardingRules", "insert", "delete"),
    "compute.forwardingRules.aggregatedList": ("compute.forwardingRules.list", "compute.globalForwardingRules.list"),
    "compute.addresses.insert": ("compute.addresses.create", "compute.addresses.createInternal", "compute.subnetworks.use"),
    "compute.addresses.delete": ("compute.addresses.delete", "compute.addresses.deleteInternal"),
    **_own("addresses", "get"),
    **_own("globalAddresses", "get", "insert", "delete"),
    "compute.addresses.aggregatedList": ("compute.addresses.list", "compute.globalAddresses.list"),
    **_listed("instanceGroups"),
    **_own("instanceGroups", "get", "insert", "delete"),
    **_own("regionInstanceGroups", "get", asked="instanceGroups"),
    **dict.fromkeys(
        (f"compute.{scope}nstanceGroups.setNamedPorts" for scope in ("i", "regionI")), ("compute.instanceGroups.update",)
    ),
    **dict.fromkeys(
        (f"compute.{scope}nstanceGroups.listInstances" for scope in ("i", "regionI")), ("compute.instanceGroups.list",)
    ),
    "compute.instanceGroups.addInstances": ("compute.instanceGroups.update", "compute.instances.use"),
    "compute.instanceGroups.removeInstances": ("compute.instanceGroups.update",),
    **_listed("networkEndpointGroups"),
    **_own("networkEndpointGroups", "get", "insert", "delete"),
    "compute.networkEndpointGroups.attachNetworkEndpoints": ("compute.networkEndpointGroups.attachNetworkEndpoints",),
    "compute.networkEndpointGroups.detachNetworkEndpoints": ("compute.networkEndpointGroups.detachNetworkEndpoints",),
    "compute.networkEndpointGroups.listNetworkEndpoints": ("compute.networkEndpointGroups.get",),
    **_own("subnetworks", "list"),
}
BEHIND: Final = (
    *("compute.instanceGroups.use", "compute.networkEndpointGroups.use", "compute.backendServices.use"),
    *("compute.regionBackendServices.use", "compute.healthChecks.useReadOnly", "compute.regionHealthChecks.useReadOnly"),
    *("compute.urlMaps.use", "compute.regionUrlMaps.use", "compute.targetHttpProxies.use", "compute.targetTcpProxies.use"),
    *("compute.targetHttpsProxies.use", "compute.regionTargetHttpProxies.use", "compute.regionTargetHttpsProxies.use"),
    *("compute.regionTargetTcpProxies.use", "compute.sslCertificates.get", "compute.regionSslCertificates.get"),
    *("compute.addresses.use", "compute.addresses.useInternal", "compute.globalAddresses.use", "compute.networks.use"),
    *("compute.instanceTemplates.useReadOnly", "compute.instanceGroupManagers.use", "compute.instances.use"),
)
"""What is needed besides, for things that name others."""

METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    **ACCOUNT,
    **CATALOGUE,
    **INSTANCES,
    **FIREWALLS,
    **STORAGE,
    **GROUPS,
    **BALANCERS,
}
"""By the method, in the API's own words, the permissions that a caller needs for it."""


def permissions() -> list[str]:
    """Every permission that is needed, once, in order."""
    return sorted({*BEHIND, *(name for needed in METHODS.values() for name in needed)})


def role() -> str:
    """The permissions as a custom role, in the YAML that `gcloud iam roles create --file` reads."""
    head = ["title: cloudlayer", "description: All that cloudlayer calls", "stage: GA", "includedPermissions:"]
    return "\n".join([*head, *(f"- {name}" for name in permissions())])
