"""What every LoadBalancing has in common: waiting, and what a spec needs of the provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cloudlayer.errors import CloudError
from cloudlayer.interfaces import Capabilities, Deadline
from cloudlayer.providers.base.capabilities import missing
from cloudlayer.providers.base.interface import BaseInterface
from cloudlayer.providers.base.waiting import Waiter, will_not_be
from cloudlayer.resources import LoadBalancer, LoadBalancerSpec, LoadBalancerState, TargetHealth, TargetSpec

_STATE: Final = LoadBalancerState
_LOST: Final = frozenset({_STATE.FAILED, _STATE.DELETING, _STATE.DELETED})
_ENDING: Final = frozenset({_STATE.DELETING, _STATE.DELETED})
_ANY: Final = frozenset({_STATE.CREATING, _STATE.UPDATING, _STATE.ACTIVE})

WAITERS: Final[Mapping[LoadBalancerState, Waiter[LoadBalancerState]]] = {
    _STATE.CREATING: Waiter(_ANY, _LOST),
    _STATE.ACTIVE: Waiter(frozenset({_STATE.ACTIVE}), _LOST),
    _STATE.UPDATING: Waiter(frozenset({_STATE.UPDATING}), _LOST),
    _STATE.DELETING: Waiter(_ENDING, frozenset()),
    _STATE.DELETED: Waiter(frozenset({_STATE.DELETED}), frozenset()),
    _STATE.FAILED: Waiter(frozenset({_STATE.FAILED}), _ENDING),
}
"""By the state that is waited for."""


class BaseLoadBalancing(BaseInterface, ABC):
    """A LoadBalancing to build on."""

    @abstractmethod
    def create(self, spec: LoadBalancerSpec, *, token: str, deadline: Deadline | None = None) -> LoadBalancer:
        """Begin to make the balancer; idempotent by token."""

    @abstractmethod
    def get(self, id: str, *, deadline: Deadline | None = None) -> LoadBalancer:
        """The balancer as it is now; NotFound if it is not there."""

    @abstractmethod
    def register(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Add targets."""

    @abstractmethod
    def deregister(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Drain and remove targets."""

    @abstractmethod
    def health(self, id: str, *, deadline: Deadline | None = None) -> Sequence[TargetHealth]:
        """Each target and its health."""

    @abstractmethod
    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the balancer; one that is not there is no error."""

    def wait(
        self,
        balancer: LoadBalancer | str,
        state: LoadBalancerState | str,
        *,
        timeout: float = 900,
        deadline: Deadline | None = None,
    ) -> LoadBalancer:
        """The balancer once it is in `state`; see `Waits.run` for how a wait ends otherwise."""
        waits = self._waits(
            kind="a load balancer",
            states=LoadBalancerState,
            waiters=WAITERS,
            get=lambda name, bound: self.get(name, deadline=bound),
            absent=self._deleted,
            failure=self.failure,
        )
        return waits.run(balancer, state, timeout, deadline)

    def failure(self, balancer: LoadBalancer, wanted: LoadBalancerState) -> CloudError:
        """The error for a balancer that will never be `wanted`; a driver that knows the reason's code refines it."""
        return will_not_be(balancer, wanted, self.provider)

    @abstractmethod
    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[LoadBalancer]:
        """Every balancer that carries all of `labels`, whole."""

    def _deleted(self, id: str) -> LoadBalancer:
        return LoadBalancer(id, self.provider, self.region, state=_STATE.DELETED, name="")


def require_balancer(spec: LoadBalancerSpec, capabilities: Capabilities) -> None:
    """Raise Unsupported, with the declared reason, if a balancer's spec asks for a capability that is not there."""
    needs = {f"balancer_{listener.protocol}": True for listener in spec.listeners}
    needs["balancer_http_check"] = spec.health_check.protocol == "http"
    needs["balancer_public"] = spec.public
    for name, needed in needs.items():
        if needed and not capabilities[name]:
            raise missing(capabilities, name)
    require_targets(spec.targets, capabilities)


def require_targets(targets: Iterable[TargetSpec], capabilities: Capabilities) -> None:
    """Raise Unsupported, with the declared reason, for a kind of target that is not to be had."""
    for target in targets:
        kind = "instances" if target.instance else "addresses" if target.address else "groups"
        if not capabilities[f"balancer_{kind}"]:
            raise missing(capabilities, f"balancer_{kind}")
