"""What every Provider has in common: an interface that a driver does not override is missing, with its declared reason."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import Access, Autoscaling, Capabilities, Compute, Deadline, Engine, LoadBalancing, Storage
from cloudlayer.providers.base.capabilities import missing
from cloudlayer.resources import Instance, Leftover, Quota


class BaseProvider(ABC):
    """A Provider to build on: a driver gives `compute` and `check`, and overrides what else it has."""

    def __init__(self, region: str, capabilities: Capabilities) -> None:
        self._region = region
        self._capabilities = capabilities

    @property
    def name(self) -> str:
        """Its name among the plug-ins."""
        return self._capabilities.provider

    @property
    def region(self) -> str:
        """The region it is connected to."""
        return self._region

    @property
    def capabilities(self) -> Capabilities:
        """What it can do here."""
        return self._capabilities

    @property
    @abstractmethod
    def compute(self) -> Compute:
        """Instances."""

    @property
    def autoscaling(self) -> Autoscaling:
        """Scaling groups."""
        raise missing(self.capabilities, "autoscaling")

    @property
    def load_balancing(self) -> LoadBalancing:
        """Load balancers."""
        raise missing(self.capabilities, "load_balancing")

    @property
    def storage(self) -> Storage:
        """Volumes and shares."""
        raise missing(self.capabilities, "volumes")

    @property
    def keeps_machines(self) -> bool:
        """Whether machines outlive the controller; so it is in every cloud."""
        return True

    def engine(self, name: str, instance: Instance) -> Engine:
        """The engine of that name on one of this provider's instances."""
        if self.capabilities[f"engine:{name}"]:
            raise Unsupported(f"the {name} engine of {self.name}'s machines is reached by SSH: see access", provider=self.name)
        raise missing(self.capabilities, f"engine:{name}")

    def access(self, instance: Instance) -> Access | None:
        """How an instance is reached: nowhere by SSH, where a driver does not say so."""
        return None

    def native(self, service: str) -> Any:
        """The SDK's own client for a service; Unsupported where there is no SDK."""
        raise Unsupported(f"{self.name} has no SDK, so there is no native client for {service}", provider=self.name)

    @abstractmethod
    def check(self) -> list[str]:
        """What is wrong here, a line each with its mend; empty if all is well."""

    def quotas(self, *, deadline: Deadline | None = None) -> list[Quota]:
        """The limits of this account; a provider without any has none to tell."""
        return []

    def leftovers(self, labels: Mapping[str, str], *, deadline: Deadline | None = None) -> list[Leftover]:
        """Pieces of things that are not there; a provider that makes things in one piece has none."""
        return []

    def delete_leftover(self, leftover: Leftover, *, deadline: Deadline | None = None) -> None:
        """Delete one of them."""
        raise Unsupported(f"{self.name} leaves no pieces behind: {leftover.kind} {leftover.id} is none", provider=self.name)
