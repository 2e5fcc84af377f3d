"""A provider: one cloud in one region, with its four interfaces. Synchronous, thread-safe.

Every method may raise the errors of `cloudlayer.errors`, and no others. A call without a `deadline` ends within two minutes by
itself, but for those that say that they wait. A call that raises TransientError may have taken effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from cloudlayer.interfaces.autoscaling import Autoscaling
from cloudlayer.interfaces.capabilities import Capabilities
from cloudlayer.interfaces.clock import Deadline
from cloudlayer.interfaces.compute import Compute
from cloudlayer.interfaces.engine import Engine
from cloudlayer.interfaces.host import Access
from cloudlayer.interfaces.load_balancing import LoadBalancing
from cloudlayer.interfaces.storage import Storage
from cloudlayer.resources import Instance, Leftover, Quota


@runtime_checkable
class Provider(Protocol):
    """One cloud in one region, connected. An interface that it has not raises Unsupported, with the reason, on access."""

    @property
    def name(self) -> str:
        """Its name among the plug-ins, such as "aws"."""
        ...

    @property
    def region(self) -> str:
        """The region it is connected to."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do here."""
        ...

    @property
    def compute(self) -> Compute:
        """Instances."""
        ...

    @property
    def autoscaling(self) -> Autoscaling:
        """Scaling groups."""
        ...

    @property
    def load_balancing(self) -> LoadBalancing:
        """Load balancers."""
        ...

    @property
    def storage(self) -> Storage:
        """Volumes and shares."""
        ...

    @property
    def keeps_machines(self) -> bool:
        """Whether machines outlive the controller by their nature: true for clouds, false for this host."""
        ...

    def engine(self, name: str, instance: Instance) -> Engine:
        """The engine of that name on one of this provider's instances, where that needs no `access`; Unsupported, with the
        reason, if it cannot be had."""
        ...

    def access(self, instance: Instance) -> Access | None:
        """How one of this provider's instances is reached by SSH; None where `engine` gives its engines without."""
        ...

    def native(self, service: str) -> Any:
        """The SDK's own client for a service."""
        ...

    def check(self) -> list[str]:
        """What is wrong with the credentials, permissions or host, a line each with its mend; empty if all is well."""
        ...

    def quotas(self, *, deadline: Deadline | None = None) -> list[Quota]:
        """The limits of this account here, with how much of each is used; empty where there are none."""
        ...

    def leftovers(self, labels: Mapping[str, str], *, deadline: Deadline | None = None) -> list[Leftover]:
        """Pieces with all of `labels` that a broken-off create or delete left: made for a thing that is not there."""
        ...

    def delete_leftover(self, leftover: Leftover, *, deadline: Deadline | None = None) -> None:
        """Delete one of them; one that is not there is no error, one that is in use after all stays."""
        ...
