"""Where things are put: the zones of the region, and the network that balancers and groups live in."""

from __future__ import annotations

from typing import Any, Final

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.client import Client, basename

_PROXIES: Final = ("REGIONAL_MANAGED_PROXY", "INTERNAL_HTTPS_LOAD_BALANCER")
"""The purposes of a subnet that is for proxies alone; the second is of older ones."""


class Places:
    """Looks up places in one region. Names of networks and subnetworks may be whole URLs, of another project too."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def zones(self, deadline: Deadline) -> list[str]:
        """The names of the region's zones, in order."""
        return sorted(basename(url) for url in self.region(deadline).zones)

    def region(self, deadline: Deadline) -> Any:
        """The region as Google describes it; NotFound, with the mend, if there is no such region or project."""
        try:
            return self._client.call("regions", "get", region=self._client.region, deadline=deadline)
        except NotFound as error:
            message = f"{error.message}: no such region or project; see `gcloud compute regions list`"
            raise NotFound(message, provider=error.provider, code=error.code, request_id=error.request_id) from None

    def network(self, name: str) -> str:
        """The link of a network."""
        return name if "/" in name else self._client.link("networks", name)

    def subnetwork(self, name: str) -> str:
        """The link of a subnetwork."""
        return name if "/" in name else self._client.link("subnetworks", name, region=True)

    def proxy_range(self, network: str, deadline: Deadline) -> str:
        """The range of the network's proxy-only subnet here; InvalidSpec, with the mend, where there is none."""
        for found in self._subnetworks(network, deadline):
            if found.purpose in _PROXIES and found.role in ("", "ACTIVE"):
                return str(found.ip_cidr_range)
        name, region = basename(network), self._client.region
        mend = f"gcloud compute networks subnets create proxies --purpose={_PROXIES[0]} --role=ACTIVE --region={region}"
        raise InvalidSpec(
            f"listeners: proxies inside network {name} need a proxy-only subnet in {region}, and there is none: make it with "
            f"`{mend} --network={name} --range=RANGE`, or send tcp to the same target_port"
        )

    def _subnetworks(self, network: str, deadline: Deadline) -> list[Any]:
        listed = self._client.pages("subnetworks", region=self._client.region, deadline=deadline)
        return [found for found in listed if basename(found.network) == basename(network)]
