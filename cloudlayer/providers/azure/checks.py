"""What `doctor` finds out about a subscription: credentials, resource group and location, by calls that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cloudlayer.errors import AuthError, CloudError, InvalidSpec, PermissionDenied
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.catalogue import ASKED, Catalogue


@dataclass(frozen=True, slots=True)
class _Probe:
    """A list, and the action that a role must allow for it; `place` is what is asked: "group", "region" or "subscription".

    The catalogue is asked for itself, since Azure lists nothing for a location that there is not.
    """

    service: str
    operation: str
    action: str
    place: str = "group"


_PROBES: Final = (
    _Probe("compute", "virtual_machines.list", "Microsoft.Compute/virtualMachines/read"),
    _Probe("compute", "virtual_machines.list_all", "Microsoft.Compute/virtualMachines/read", "subscription"),
    _Probe("compute", "virtual_machine_scale_sets.list", "Microsoft.Compute/virtualMachineScaleSets/read"),
    _Probe("disks", "disks.list_by_resource_group", "Microsoft.Compute/disks/read"),
    _Probe("network", "network_interfaces.list", "Microsoft.Network/networkInterfaces/read"),
    _Probe("network", "load_balancers.list", "Microsoft.Network/loadBalancers/read"),
    _Probe("compute", "usage.list", "Microsoft.Compute/locations/usages/read", "region"),
    _Probe("network", "usages.list", "Microsoft.Network/locations/usages/read", "region"),
    _Probe("skus", "resource_skus.list", "Microsoft.Compute/skus/read", "catalogue"),
)
"""A look says whether a service may be used at all: making things cannot be tried without making them."""


class Checks:
    """Looks at one resource group in one location."""

    def __init__(self, client: Client, catalogue: Catalogue) -> None:
        self._client = client
        self._catalogue = catalogue

    def lines(self, deadline: Deadline) -> list[str]:
        """What is wrong, a line each with its mend; what would be wrong for all that follows ends it."""
        return [line.replace("\n", " ") for line in self._faults(deadline)]

    def _faults(self, deadline: Deadline) -> Iterator[str]:
        for probe in _PROBES:
            try:
                self._look(probe, deadline)
            except AuthError as error:
                yield str(error)
                return
            except PermissionDenied as error:
                yield f"{probe.action}: {error}: allow it; `cloudlayer iam azure` prints a role with all that is needed"
            except InvalidSpec as error:
                asks = probe.place == "region"  # of a resource group or subscription the error has its mend
                yield f"{error}: {ASKED.format(region=self._client.region)}" if asks else str(error)
                return
            except CloudError as error:
                yield f"{error}: is {self._client.endpoint} reachable from here? A proxy is set by HTTPS_PROXY"
                return

    def _look(self, probe: _Probe, deadline: Deadline) -> None:
        if probe.place == "catalogue":
            self._catalogue.zones(deadline)
            return
        named = {"group": (self._client.group,), "region": (self._client.region,), "subscription": ()}[probe.place]
        next(self._client.pages(probe.service, probe.operation, *named, deadline=deadline), None)
