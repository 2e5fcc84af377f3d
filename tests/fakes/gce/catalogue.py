"""What is there before anybody makes anything: places, types, public images, and the network "default"."""

from functools import cache

from tests.fakes.gce import machines
from tests.fakes.gce.links import PROJECT, ROOT, Link, region_of, scope_url

REGIONS = ("us-central1", "europe-west4")
SCOPES = ("global", *(f"regions/{name}" for name in REGIONS), *(f"zones/{name}" for name in machines.ZONES))
RANGES = {"us-central1": "10.128.0.0/20", "europe-west4": "10.164.0.0/20"}
PROXY_RANGES = {"us-central1": "10.129.0.0/23", "europe-west4": "10.165.0.0/23"}
FOREVER = "2019-01-01T00:00:00.000-08:00"

PUBLIC = {
    "ubuntu-os-cloud": (
        ("ubuntu-2204-lts", "ubuntu-2204-jammy-v20260901", "X86_64", 10),
        ("ubuntu-2204-lts", "ubuntu-2204-jammy-v20261015", "X86_64", 10),
        ("ubuntu-2204-lts-arm64", "ubuntu-2204-jammy-arm64-v20261015", "ARM64", 10),
        ("ubuntu-2404-lts-amd64", "ubuntu-2404-noble-amd64-v20261020", "X86_64", 10),
        ("ubuntu-2404-lts-arm64", "ubuntu-2404-noble-arm64-v20261020", "ARM64", 10),
        ("ubuntu-minimal-2404-lts-amd64", "ubuntu-minimal-2404-noble-amd64-v20261020", "X86_64", 10),
    ),
    "debian-cloud": (
        ("debian-12", "debian-12-bookworm-v20261014", "X86_64", 10),
        ("debian-12-arm64", "debian-12-bookworm-arm64-v20261014", "ARM64", 10),
        ("debian-13", "debian-13-trixie-v20261014", "X86_64", 10),
    ),
    "cos-cloud": (("cos-stable", "cos-stable-121-18867-199-28", "X86_64", 10),),
    "rocky-linux-cloud": (("rocky-linux-9", "rocky-linux-9-v20261012", "X86_64", 20),),
    "deeplearning-platform-release": (
        ("common-cu128-ubuntu-2204-nvidia-570", "common-cu128-ubuntu-2204-nvidia-570-v20261005", "X86_64", 50),
        ("common-cu129-ubuntu-2204-nvidia-580", "common-cu129-ubuntu-2204-nvidia-580-v20261019", "X86_64", 50),
        ("pytorch-2-7-cu128-ubuntu-2204-nvidia-570", "pytorch-2-7-cu128-ubuntu-2204-nvidia-570-v20261005", "X86_64", 50),
    ),
}
"""Family, name, architecture and GB of the images of each public project, older ones first."""

OLD = ("ubuntu-2204-jammy-v20260901",)


def stock(cloud):
    """Put all of it into a new cloud."""
    for link, document in _fixed():
        cloud.store.put(link, document)
    network = Link(PROJECT, "global", "networks", "default")
    cloud.store.put(network, _network(network))
    for region in REGIONS:
        main = Link(PROJECT, f"regions/{region}", "subnetworks", "default")
        proxies = Link(PROJECT, f"regions/{region}", "subnetworks", "proxies")
        cloud.store.put(main, _subnet(main, network, RANGES[region], "PRIVATE"))
        cloud.store.put(proxies, _subnet(proxies, network, PROXY_RANGES[region], "REGIONAL_MANAGED_PROXY"))


@cache
def _fixed():
    """What nobody can change, so that all fakes may share it."""
    return (
        *(_region(name) for name in REGIONS),
        *(_zone(name) for name in machines.ZONES),
        *(one for zone in machines.ZONES for one in _types(zone)),
        *(one for region in REGIONS for one in _regional_disk_types(region)),
        *(_image(project, *one) for project, images in PUBLIC.items() for one in images),
    )


def _known(link, kind, number):
    return {"kind": kind, "id": str(number), "name": link.name, "selfLink": link.url, "creationTimestamp": FOREVER}


def _region(name):
    link = Link(PROJECT, "global", "regions", name)
    zones = [scope_url(PROJECT, f"zones/{zone}") for zone in machines.ZONES if region_of(f"zones/{zone}") == name]
    known = _known(link, "compute#region", 1000 + REGIONS.index(name))
    known["selfLink"] = scope_url(PROJECT, f"regions/{name}")
    return link, known | {"description": name, "status": "UP", "zones": zones}


def _zone(name):
    link = Link(PROJECT, "global", "zones", name)
    known = _known(link, "compute#zone", 2000 + machines.ZONES.index(name))
    region = scope_url(PROJECT, f"regions/{region_of(f'zones/{name}')}")
    own = {"description": name, "status": "UP", "region": region, "selfLink": scope_url(PROJECT, f"zones/{name}")}
    return link, known | own | {"availableCpuPlatforms": ["Intel Sapphire Rapids", "Intel Cascade Lake", "Ampere Altra"]}


def _types(zone):
    scope = f"zones/{zone}"
    for number, name in enumerate(machines.names()):
        link = Link(PROJECT, scope, "machineTypes", name)
        own = machines.described(name, zone)
        if own:
            yield link, _known(link, "compute#machineType", 3000 + number) | own | {"zone": zone}
    for number, (name, (words, most, zones)) in enumerate(machines.ACCELERATORS.items()):
        link = Link(PROJECT, scope, "acceleratorTypes", name)
        own = {"description": words, "maximumCardsPerInstance": most, "zone": scope_url(PROJECT, scope)}
        if zone in zones:
            yield link, _known(link, "compute#acceleratorType", 4000 + number) | own
    for number, name in enumerate(machines.DISK_TYPES):
        link = Link(PROJECT, scope, "diskTypes", name)
        yield link, _known(link, "compute#diskType", 5000 + number) | _disk_type(name) | {"zone": scope_url(PROJECT, scope)}


def _regional_disk_types(region):
    scope = f"regions/{region}"
    for number, name in enumerate(machines.REGIONAL_DISK_TYPES):
        link = Link(PROJECT, scope, "diskTypes", name)
        yield link, _known(link, "compute#diskType", 6000 + number) | _disk_type(name) | {"region": scope_url(PROJECT, scope)}


def _disk_type(name):
    words, usual, (least, most) = machines.DISK_TYPES[name]
    return {"description": words, "defaultDiskSizeGb": str(usual), "validDiskSize": f"{least}GB-{most}GB"}


def _image(project, family, name, architecture, size):
    link = Link(project, "global", "images", name)
    known = _known(link, "compute#image", 7000 + sum(map(ord, name)))
    known["creationTimestamp"] = f"2026-{name[-4:-2]}-{name[-2:]}T00:00:00.000-07:00" if name[-4:].isdigit() else FOREVER
    own = {
        "family": family,
        "description": name,
        "architecture": architecture,
        "diskSizeGb": str(size),
        "archiveSizeBytes": str(size * 10**8),
        "sourceType": "RAW",
        "status": "READY",
        "guestOsFeatures": [{"type": "VIRTIO_SCSI_MULTIQUEUE"}, {"type": "UEFI_COMPATIBLE"}, {"type": "GVNIC"}],
        "licenses": [f"{ROOT}projects/{project}/global/licenses/{family}"],
        "storageLocations": ["us"],
        "labelFingerprint": "42WmSpB8rSM=",
    }
    if name in OLD:
        own["deprecated"] = {"state": "DEPRECATED", "deprecated": "2026-10-15T00:00:00.000-07:00"}
    return link, known | own


def _network(link):
    subnets = [Link(PROJECT, f"regions/{region}", "subnetworks", "default").url for region in REGIONS]
    return _known(link, "compute#network", 8000) | {
        "description": "Default network for the project",
        "autoCreateSubnetworks": True,
        "subnetworks": subnets,
        "routingConfig": {"routingMode": "REGIONAL"},
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
    }


def _subnet(link, network, addresses, purpose):
    own = {
        "network": network.url,
        "ipCidrRange": addresses,
        "gatewayAddress": addresses.replace(".0/", ".1 ").partition(" ")[0],
        "region": scope_url(PROJECT, link.scope),
        "privateIpGoogleAccess": False,
        "fingerprint": "pZBAuSMBhnw=",
        "purpose": purpose,
    }
    if purpose == "PRIVATE":
        own["stackType"] = "IPV4_ONLY"
    else:
        own["role"] = "ACTIVE"
    return _known(link, "compute#subnetwork", 9000 + sum(map(ord, link.path))) | own
