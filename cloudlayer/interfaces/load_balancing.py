"""LoadBalancing: balancers with their listeners, targets and health checks as one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cloudlayer.interfaces.clock import Deadline
from cloudlayer.resources import LoadBalancer, LoadBalancerSpec, LoadBalancerState, TargetHealth, TargetSpec


class LoadBalancing(Protocol):
    """Load balancers."""

    def create(self, spec: LoadBalancerSpec, *, token: str, deadline: Deadline | None = None) -> LoadBalancer:
        """Begin to make the balancer with its listeners, health check and targets.

        Idempotent: the same spec under the same `token` (a UUID) gives the same balancer, and makes what an earlier call
        left undone; another spec under a used token gives Conflict. Labels and token are on all that is made for it.
        """
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> LoadBalancer:
        """The balancer as it is now; NotFound if it is not there."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[LoadBalancer]:
        """Every balancer that carries all of `labels`, pages flattened; deleted ones may still be among them."""
        ...

    def register(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Add targets; one that is there already is no error, one that does not exist is NotFound and none is added."""
        ...

    def deregister(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Take targets out: from now on they get nothing new, and have the balancer's `drain` seconds to finish.

        Returns when they are out; TransientError if `deadline` comes first, and the same call later goes on. One that is not
        there is no error.
        """
        ...

    def health(self, id: str, *, deadline: Deadline | None = None) -> Sequence[TargetHealth]:
        """Each target and its health, the members of groups each by itself."""
        ...

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the balancer with everything that was made for it; its targets stay. One that is not there is no error."""
        ...

    def wait(
        self,
        balancer: LoadBalancer | str,
        state: LoadBalancerState | str,
        *,
        timeout: float = 900,
        deadline: Deadline | None = None,
    ) -> LoadBalancer:
        """The balancer once it is in `state`; as `Compute.wait`."""
        ...
