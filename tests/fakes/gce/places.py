"""Zones, regions, the project with its quotas, and the types that only read."""

from tests.fakes.gce import machines
from tests.fakes.gce.collection import Collection, fingerprint
from tests.fakes.gce.errors import GceError, not_found
from tests.fakes.gce.links import NUMBER, PROJECT, ROOT, Link, last

LIMITS = {
    "CPUS": 2400.0,
    "DISKS_TOTAL_GB": 409600.0,
    "SSD_TOTAL_GB": 81920.0,
    "INSTANCES": 2400.0,
    "STATIC_ADDRESSES": 70.0,
    "IN_USE_ADDRESSES": 2300.0,
    "PREEMPTIBLE_CPUS": 2400.0,
    "NVIDIA_T4_GPUS": 64.0,
    "NVIDIA_V100_GPUS": 64.0,
    "NVIDIA_A100_GPUS": 64.0,
    "NVIDIA_A100_80GB_GPUS": 64.0,
    "NVIDIA_L4_GPUS": 64.0,
    "PREEMPTIBLE_NVIDIA_T4_GPUS": 64.0,
    "PREEMPTIBLE_NVIDIA_V100_GPUS": 64.0,
    "PREEMPTIBLE_NVIDIA_A100_GPUS": 64.0,
    "PREEMPTIBLE_NVIDIA_A100_80GB_GPUS": 64.0,
    "PREEMPTIBLE_NVIDIA_L4_GPUS": 64.0,
    "INSTANCE_GROUP_MANAGERS": 200.0,
    "REGIONAL_INSTANCE_GROUP_MANAGERS": 200.0,
    "AUTOSCALERS": 200.0,
    "INSTANCE_GROUPS": 200.0,
}
"""Limits of a region, where the options have no other."""

GLOBAL_LIMITS = {
    "NETWORKS": 15.0,
    "FIREWALLS": 500.0,
    "IMAGES": 2000.0,
    "SNAPSHOTS": 5000.0,
    "BACKEND_SERVICES": 75.0,
    "HEALTH_CHECKS": 150.0,
    "URL_MAPS": 30.0,
    "INSTANCE_TEMPLATES": 300.0,
    "FORWARDING_RULES": 45.0,
    "GPUS_ALL_REGIONS": 256.0,
}
_WORDS = {
    "NETWORKS": "networks",
    "FIREWALLS": "firewalls",
    "IMAGES": "images",
    "SNAPSHOTS": "snapshots",
    "BACKEND_SERVICES": "backendServices",
    "HEALTH_CHECKS": "healthChecks",
    "URL_MAPS": "urlMaps",
    "INSTANCE_TEMPLATES": "instanceTemplates",
    "FORWARDING_RULES": "forwardingRules",
}
GPU_METRICS = {
    machines.T4: "NVIDIA_T4_GPUS",
    machines.V100: "NVIDIA_V100_GPUS",
    machines.A100: "NVIDIA_A100_GPUS",
    machines.A100_80: "NVIDIA_A100_80GB_GPUS",
    machines.L4: "NVIDIA_L4_GPUS",
}
"""The H100 is counted in another place than the region's quotas."""

STOPPED = ("TERMINATED", "STOPPED")


class Zones(Collection):
    """compute.zones."""

    word = "zones"
    schema = "Zone"


class Regions(Collection):
    """compute.regions; each tells its quotas, and what is used of them."""

    word = "regions"
    schema = "Region"

    def get(self, ask):
        return self._told(super().get(ask))

    def list(self, ask):
        page = super().list(ask)
        return page | {"items": [self._told(one) for one in page.get("items", ())]}

    def check_room(self, instance, link):
        """Refuse an instance for which there is no quota."""
        used = usage(self.cloud, link.region)
        for metric, amount in needs(self.cloud, instance).items():
            limit = limits(self.cloud).get(metric)
            if limit is not None and used.get(metric, 0.0) + amount > limit:
                message = f"Quota '{metric}' exceeded.  Limit: {limit} in region {link.region}."
                raise GceError("quotaExceeded", message)

    def _told(self, document):
        used = usage(self.cloud, document["name"])
        quotas = [
            {"metric": metric, "limit": limit, "usage": used.get(metric, 0.0)} for metric, limit in limits(self.cloud).items()
        ]
        return document | {"quotas": quotas}


class Projects(Collection):
    """compute.projects: the project with the quotas that hold in all regions together."""

    word = "projects"
    schema = "Project"

    def get(self, ask):
        if ask.project != PROJECT:
            raise not_found(f"projects/{ask.project}")
        quotas = [
            {"metric": metric, "limit": limit, "usage": float(len(self.store.of(_WORDS.get(metric, ""))))}
            for metric, limit in GLOBAL_LIMITS.items()
        ]
        return {
            "kind": "compute#project",
            "id": NUMBER,
            "name": PROJECT,
            "selfLink": f"{ROOT}projects/{PROJECT}",
            "creationTimestamp": "2019-01-01T00:00:00.000-08:00",
            "commonInstanceMetadata": {"kind": "compute#metadata", "fingerprint": fingerprint({})},
            "defaultNetworkTier": "PREMIUM",
            "defaultServiceAccount": f"{NUMBER}-compute@developer.gserviceaccount.com",
            "xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
            "quotas": quotas,
        }


class MachineTypes(Collection):
    """compute.machineTypes; custom ones can be asked for, and are not listed."""

    word = "machineTypes"
    schema = "MachineType"

    def get(self, ask):
        link = Link(ask.project, ask.scope, self.word, ask.name)
        return self.at(link) or super().get(ask)

    def at(self, link):
        """The machine type at a link; None if there is none."""
        own = self.store.get(link) or machines.described(link.name, link.zone)
        if own is None or "name" in own:
            return own
        known = {"kind": "compute#machineType", "id": "1", "name": link.name, "selfLink": link.url, "zone": link.zone}
        return known | own

    def there(self, link):
        """Whether there is one, custom ones too."""
        return self.at(link) is not None


class AcceleratorTypes(Collection):
    """compute.acceleratorTypes."""

    word = "acceleratorTypes"
    schema = "AcceleratorType"


class DiskTypes(Collection):
    """compute.diskTypes, of zones and of regions."""

    word = "diskTypes"
    schema = "DiskType"


def limits(cloud):
    """The quotas of each region by metric."""
    return LIMITS | cloud.options.quotas


def needs(cloud, instance):
    """What an instance takes of each quota of its region."""
    scheduling = instance.get("scheduling", {})
    prefix = "PREEMPTIBLE_" if scheduling.get("preemptible") else ""
    machine = cloud["machineTypes"].at(cloud.link(instance["machineType"]))
    taken = {"INSTANCES": 1.0, prefix + "CPUS": float(machine["guestCpus"])}
    for card in instance.get("guestAccelerators", ()):
        metric = GPU_METRICS.get(last(card["acceleratorType"]))
        if metric:
            taken[prefix + metric] = taken.get(prefix + metric, 0.0) + card["acceleratorCount"]
    return taken


def usage(cloud, region):
    """What is used of each quota in a region."""
    used = {}
    for link, instance in cloud.store.of("instances"):
        if link.region == region and instance["status"] not in STOPPED:
            _add(used, needs(cloud, instance))
    for link, disk in cloud.store.of("disks"):
        if link.region == region:
            metric = "DISKS_TOTAL_GB" if last(disk["type"]) == "pd-standard" else "SSD_TOTAL_GB"
            _add(used, {metric: float(disk["sizeGb"])})
    for link, address in cloud.store.of("addresses"):
        if link.region == region:
            _add(used, {"IN_USE_ADDRESSES" if address["status"] == "IN_USE" else "STATIC_ADDRESSES": 1.0})
    return used


def _add(used, taken):
    for metric, amount in taken.items():
        used[metric] = used.get(metric, 0.0) + amount
