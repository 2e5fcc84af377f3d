"""Usages and quotas: a new machine or address beyond a limit is refused at once, with the figures in the message."""

from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.sizes import SIZES
from tests.fakes.rest.server import Answer

LIMIT = 10_000
NAMES = {
    "cores": "Total Regional vCPUs",
    "virtualMachines": "Virtual Machines",
    "lowPriorityCores": "Total Regional Spot vCPUs",
}
COMPUTE = (*NAMES, *dict.fromkeys(size.family for size in SIZES.values()))
NETWORK = {
    "VirtualNetworks": "virtualNetworks",
    "PublicIPAddresses": "publicIPAddresses",
    "NetworkInterfaces": "networkInterfaces",
}


class Usages:
    """Microsoft.Compute/locations/usages."""

    def __init__(self, cloud):
        self.cloud = cloud

    def handlers(self):
        """By the operation's id."""
        return {"Usage_List": self.list}

    def list(self, request):
        """Every usage of a location, in pages."""
        location = request.parameters["location"].lower()
        used = used_here(self.cloud, location)
        rows = [usage(self.cloud, name, NAMES.get(name, name), used.get(name, 0)) for name in COMPUTE]
        return paged(self.cloud, request, rows)


def usage(cloud, name, words, value):
    """One usage as Azure tells it."""
    limit = cloud.options.quotas.get(name, LIMIT)
    return {"unit": "Count", "currentValue": value, "limit": limit, "name": {"value": name, "localizedValue": words}}


def paged(cloud, request, rows):
    """A page of documents that are not resources."""
    start = int(request.query.get("$skiptoken", 0))
    size = cloud.options.page or len(rows)
    document = {"value": rows[start : start + size]}
    if rows[start + size :]:
        document["nextLink"] = cloud.link(request, start + size)
    return Answer(200, document)


def need(size, spot):
    """What one machine counts for."""
    cores = {"lowPriorityCores": size.cores} if spot else {"cores": size.cores, size.family: size.cores}
    return {"virtualMachines": 1} | cores


def used_here(cloud, location):
    """What is in use in a location, by the usage's name: what is deallocated counts for nothing."""
    used = {name: len(_here(cloud, kind, location)) for name, kind in NETWORK.items()}
    for kind in ("virtualMachines", "virtualMachineScaleSets/virtualMachines"):
        for machine in _here(cloud, kind, location):
            size = SIZES[machine.kind.size_of(machine).lower()]
            counted = need(size, machine.kind.is_spot(machine))
            if machine.private.get("power") == "deallocated":
                counted = {"virtualMachines": 1}
            for name, number in counted.items():
                used[name] = used.get(name, 0) + number
    return used


def refuse_quota(cloud, location, wanted, provider="Compute"):
    """Refuse what would exceed a limit."""
    limits = {name: cloud.options.quotas.get(name, LIMIT) for name in wanted}
    if all(limit >= LIMIT for limit in limits.values()):
        return
    used = used_here(cloud, location)
    for name, number in wanted.items():
        if used.get(name, 0) + number > limits[name]:
            raise _beyond(location, name, limits[name], used.get(name, 0), number, provider)


def _beyond(location, name, limit, used, number, provider):
    if provider == "Network":
        return Refusal("PublicIPCountLimitReached", f"Cannot create more than {limit} public IP addresses in this region.")
    return Refusal(
        "OperationNotAllowed",
        f"Operation could not be completed as it results in exceeding approved {NAMES.get(name, name)} quota. "
        f"Additional details - Deployment Model: Resource Manager, Location: {location}, Current Limit: {limit}, "
        f"Current Usage: {used}, "
        f"Additional Required: {number}, (Minimum) New Limit Required: {used + number}.",
    )


def _here(cloud, kind, location):
    return [held for held in cloud.resources.of(kind) if held.location == location]
