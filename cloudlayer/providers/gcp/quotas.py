"""The limits of a project: those of the region, and those that hold for all regions together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.client import Client
from cloudlayer.resources import Quota

_CONSOLE: Final = "https://console.cloud.google.com/iam-admin/quotas"


class Quotas:
    """Looks limits up, in two calls: Compute Engine tells the use of each beside it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def all(self, deadline: Deadline) -> list[Quota]:
        """The limits in the order in which Compute Engine tells them, by its own names."""
        region = self._client.call("regions", "get", region=self._client.region, deadline=deadline)
        project = self._client.call("projects", "get", deadline=deadline)
        return [*self._read(region.quotas, self._client.region), *self._read(project.quotas, "all regions")]

    def _read(self, quotas: Iterable[Any], place: str) -> list[Quota]:
        mend = f"ask for more at {_CONSOLE}?project={self._client.project}"
        return [Quota(f"{one.metric} in {place}", one.limit, one.usage, f"{mend}, metric {one.metric}") for one in quotas]
