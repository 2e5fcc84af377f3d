"""The limits of a subscription in a location: of compute (cores by family, machines, disks) and of the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.resources import Quota

_NAMESPACES: Final = {"compute": ("usage.list", "Microsoft.Compute"), "network": ("usages.list", "Microsoft.Network")}


class Quotas:
    """Looks limits up: a list a service, which tells the use along with each."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def all(self, deadline: Deadline) -> list[Quota]:
        """Every limit by Azure's own name for it, as in "Standard DSv5 Family vCPUs"."""
        quotas: dict[str, Quota] = {}
        for service in _NAMESPACES:
            for quota in self._of(service, deadline):
                quotas.setdefault(quota.name, quota)
        return list(quotas.values())

    def _of(self, service: str, deadline: Deadline) -> Iterator[Quota]:
        operation, namespace = _NAMESPACES[service]
        region = self._client.region
        for found in self._client.pages(service, operation, region, deadline=deadline):
            name = found["name"]
            mend = (
                f"az quota update --resource-name {name['value']} --limit-object value=N "
                f"--scope /subscriptions/{self._client.subscription}/providers/{namespace}/locations/{region}"
            )
            yield _quota(found, name, mend)


def _quota(found: Mapping[str, Any], name: Mapping[str, str], mend: str) -> Quota:
    return Quota(name.get("localizedValue") or name["value"], float(found["limit"]), float(found["currentValue"]), mend)
