"""compute.addresses and compute.globalAddresses."""

from itertools import count

from tests.fakes.gce.collection import Collection
from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.references import Reference
from tests.fakes.gce.store import in_use


class Addresses(Collection):
    """Reserved addresses, of a region or global, and the supply of those that are not."""

    word = "addresses"
    schema = "Address"
    labelled = True
    references = (
        Reference("network", ("networks",), missing="invalid"),
        Reference("subnetwork", ("subnetworks",), missing="invalid"),
    )

    def __init__(self, cloud):
        super().__init__(cloud)
        self._numbers = count(1)

    def prepare(self, ask, link, document):
        kind = document.setdefault("addressType", "EXTERNAL")
        if kind == "INTERNAL" and link.region:
            subnetworks = self.cloud["subnetworks"]
            target = subnetworks.behind(link, document)
            document["subnetwork"] = target.url
            document["address"] = subnetworks.address(target, document.get("address"))
            document.setdefault("purpose", "GCE_ENDPOINT")
        elif kind == "EXTERNAL":
            if document.get("subnetwork"):
                raise invalid("resource.subnetwork", document["subnetwork"], "It is for internal addresses.")
            if document.get("address"):
                raise invalid("resource.address", document["address"], "Address must not be in use to be promoted.")
            document["address"] = self.fresh()
            document.setdefault("networkTier", "PREMIUM")
        document["status"] = "RESERVED"

    def check_deletable(self, link, document):
        for user in document.get("users", ()):
            raise in_use(link, self.cloud.link(user))

    def fresh(self):
        """A new external address."""
        number = next(self._numbers)
        return f"34.{number // 62500 % 200 + 16}.{number // 250 % 250}.{number % 250 + 1}"

    def check_reserved(self, region, address):
        """Refuse an external address that is not the project's, of this region and free."""
        document = self._of(address)
        if document is None or document.get("region", "").rpartition("/")[2] != region:
            raise GceError("invalid", f"External IP address: {address} was not found in the region {region}.")
        if document["status"] == "IN_USE":
            raise GceError("invalid", f"External IP address: {address} is already in-use.")

    def named(self, text, link):
        """The address that a forwarding rule asks for by value or by URL, and its document if it is reserved."""
        if "/" not in text:
            return text, self._of(text)
        target = self.cloud.link(text)
        if target is None or target.collection != self.word:
            raise invalid("resource.IPAddress", text, "The URL is malformed.")
        _, document = self.store.found(target)
        if target.scope != link.scope:
            raise invalid("resource.IPAddress", text, f"It must be in the same place, {link.scope}.")
        return document["address"], document

    def take(self, address, link):
        """A reserved address is in use."""
        document = self._of(address)
        if document:
            document |= {"status": "IN_USE", "users": [link.url]}

    def free(self, address):
        """A reserved address is free again."""
        document = self._of(address)
        if document:
            document["status"] = "RESERVED"
            document.pop("users", None)

    def _of(self, address):
        return next((one for _, one in self.store.of(self.word) if one.get("address") == address), None)
