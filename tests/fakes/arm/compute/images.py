"""Platform images: publishers, offers, SKUs and versions."""

from dataclasses import dataclass

from tests.fakes.arm.errors import Refusal
from tests.fakes.rest.server import Answer


@dataclass(frozen=True)
class Image:
    """An image's SKU and its versions, oldest first; sizes in GiB."""

    publisher: str
    offer: str
    sku: str
    versions: tuple[str, ...]
    size: int = 30
    generation: str = "V2"
    system: str = "Linux"


UBUNTU = ("22.04.202401010", "22.04.202404160", "22.04.202405140")
IMAGES = (
    Image("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts", UBUNTU, generation="V1"),
    Image("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", UBUNTU),
    Image("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-arm64", UBUNTU),
    Image("Canonical", "0001-com-ubuntu-server-focal", "20_04-lts-gen2", ("20.04.202401290", "20.04.202404290")),
    Image("Canonical", "ubuntu-24_04-lts", "server", ("24.04.202404230", "24.04.202406140")),
    Image("Canonical", "ubuntu-24_04-lts", "server-arm64", ("24.04.202404230", "24.04.202406140")),
    Image("Debian", "debian-12", "12-gen2", ("0.20240211.1654", "0.20240507.1740")),
    Image("Debian", "debian-12", "12-arm64", ("0.20240211.1654", "0.20240507.1740")),
    Image("microsoft-dsvm", "ubuntu-hpc", "2204", ("22.04.2024020701", "22.04.2024040301"), size=64),
    Image("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2", ("20348.2340.240303",), size=127, system="Windows"),
)


class Images:
    """Microsoft.Compute/locations/publishers and what is below."""

    def __init__(self, cloud):
        self.cloud = cloud

    def handlers(self):
        """By the operation's id."""
        return {
            "VirtualMachineImages_ListPublishers": self.publishers,
            "VirtualMachineImages_ListOffers": self.offers,
            "VirtualMachineImages_ListSkus": self.skus,
            "VirtualMachineImages_List": self.versions,
            "VirtualMachineImages_Get": self.get,
        }

    def publishers(self, request):
        """All publishers."""
        return Answer(200, _named(request, "Publishers", [image.publisher for image in IMAGES]))

    def offers(self, request):
        """A publisher's offers."""
        return Answer(200, _named(request, "Offers", [image.offer for image in _matching(request)]))

    def skus(self, request):
        """An offer's SKUs."""
        return Answer(200, _named(request, "Skus", [image.sku for image in _matching(request)]))

    def versions(self, request):
        """A SKU's versions, in the order that is asked for, as many as are."""
        found = [version for image in _matching(request) for version in image.versions]
        found.sort(key=numbers, reverse=request.query.get("$orderby", "").lower() == "name desc")
        if top := int(request.query.get("$top", 0)):
            found = found[:top]
        listed = _named(request, "Versions", found)
        if request.query.get("$expand") == "properties":
            listed = [entry | {"properties": _properties(_matching(request)[0])} for entry in listed]
        return Answer(200, listed)

    def get(self, request):
        """One version of an image; `latest` is no version here."""
        image = next(iter(_matching(request)), None)
        if image is None or request.name not in image.versions:
            raise Refusal("NotFound", f"Artifact: VMImage was not found: {request.id}.")
        return Answer(200, _named(request, "Versions", [request.name])[0] | {"properties": _properties(image)})


def resolved(reference):
    """The image that a machine's reference leads to, and its version; PlatformImageNotFound if there is none."""
    names = [reference.get(key, "").lower() for key in ("publisher", "offer", "sku")]
    for image in IMAGES:
        if names == [image.publisher.lower(), image.offer.lower(), image.sku.lower()]:
            version = image.versions[-1] if reference.get("version") == "latest" else reference.get("version")
            if version in image.versions:
                return image, version
    raise Refusal(
        "PlatformImageNotFound", f"The platform image '{':'.join(names)}:{reference.get('version')}' is not available."
    )


def image_of(cloud, reference):
    """What a machine's reference leads to, one's own images too: size in GiB, system, exact version."""
    if "id" not in reference:
        image, version = resolved(reference)
        return image.size, image.system, version
    own = cloud.resources.get(reference["id"])
    if own is None or own.kind.type != "images" or own.deleting:
        raise Refusal("ImageNotFound", f"The Image '{reference['id']}' cannot be found in this location.")
    disk = own.properties["storageProfile"]["osDisk"]
    return disk["diskSizeGB"], disk["osType"], None


def numbers(version):
    """A version's numbers, to compare by."""
    return [int(part) for part in version.split(".")]


def _matching(request):
    keys = {"publisherName": "publisher", "offer": "offer", "skus": "sku"}
    wanted = {name: request.parameters[key].lower() for key, name in keys.items() if key in request.parameters}
    return [image for image in IMAGES if all(getattr(image, name).lower() == value for name, value in wanted.items())]


def _named(request, collection, names):
    parent = request.id if request.call.path.rstrip("/").lower().endswith(collection.lower()) else request.id.rpartition("/")[0]
    parent = parent.removesuffix("/versions")
    location = request.parameters["location"]
    return [{"location": location, "name": name, "id": f"{parent}/{collection}/{name}"} for name in dict.fromkeys(names)]


def _properties(image):
    return {
        "hyperVGeneration": image.generation,
        "osDiskImage": {"operatingSystem": image.system},
        "dataDiskImages": [],
        "automaticOSUpgradeProperties": {"automaticOSUpgradeSupported": False},
    }
