"""Balancers over the base interface of Libcloud's drivers: one listener each, whose port is that of the targets too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from libcloud.loadbalancer.base import DEFAULT_ALGORITHM, Member
from libcloud.loadbalancer.base import Driver as BalancerDriver
from libcloud.loadbalancer.types import State

from cloudlayer.errors import NotFound, Unsupported
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import checked_token, fingerprint
from cloudlayer.providers.base.load_balancing import BaseLoadBalancing, require_balancer, require_targets
from cloudlayer.providers.libcloud import drivers, names
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.attempts import Attempt, Making
from cloudlayer.providers.libcloud.calls import Calls, Held
from cloudlayer.providers.libcloud.launches import LIMITS
from cloudlayer.providers.libcloud.volumes import VolumeReader
from cloudlayer.resources import (
    HealthCheck,
    Listener,
    LoadBalancer,
    LoadBalancerSpec,
    LoadBalancerState,
    TargetHealth,
    TargetSpec,
)

_STATES: Final[Mapping[int, LoadBalancerState]] = {
    State.RUNNING: LoadBalancerState.ACTIVE,
    State.PENDING: LoadBalancerState.CREATING,
    State.ERROR: LoadBalancerState.FAILED,
    State.DELETED: LoadBalancerState.DELETED,
}
"""By Libcloud's state; a driver that tells none has balancers that serve once they are listed."""

_TAKEN: Final = ("name", "port", "protocol", "algorithm", "members")
_LONGEST: Final = 60

Nodes = Callable[[Deadline], Sequence[Any]]


class LibcloudLoadBalancing(BaseLoadBalancing):
    """Balancers of one driver. `nodes` lists the machines that can be targets, `id_of` tells their ids."""

    settle = 10.0

    def __init__(
        self,
        calls: Calls,
        capabilities: Capabilities,
        region: str,
        *,
        driver: type[Any],
        nodes: Nodes,
        id_of: Callable[[Any], str],
        clock: Clock,
    ) -> None:
        super().__init__(capabilities, region, clock=clock)
        self._calls = calls
        self._driver = driver
        self._nodes = nodes
        self._id_of = id_of
        self._making = Making(calls, VolumeReader(self.provider, region, Adapter()), longest=_LONGEST)

    def create(self, spec: LoadBalancerSpec, *, token: str, deadline: Deadline | None = None) -> LoadBalancer:
        """Begin to make the balancer. Its name carries the token, since Libcloud's balancers have no labels.

        Libcloud's base interface has no drain: what a target that is taken out has begun is the cloud's own affair.
        """
        require_balancer(spec, self.capabilities)
        self._check(spec)
        attempt = Attempt(checked_token(token), fingerprint([spec]), spec.name, {})
        bound, listener = self._bound(deadline), spec.listeners[0]
        members = self._members(spec.targets, listener.target_port, bound)

        def make(held: Held, name: str, _labels: Mapping[str, Any]) -> Any:
            return held.driver.create_balancer(
                name=name,
                port=listener.port,
                protocol=listener.protocol,
                algorithm=DEFAULT_ALGORITHM,
                members=members,
                **spec.overrides,
            )

        made = self._read(self._making.make(attempt, self._listed, make, bound))
        return replace(made, listeners=(listener,))

    def get(self, id: str, *, deadline: Deadline | None = None) -> LoadBalancer:
        """The balancer as it is now."""
        return self._read(self._one(id, self._bound(deadline)))

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[LoadBalancer]:
        """Every balancer of the account; none carries labels."""
        found = self._listed(self._bound(deadline))
        return [] if labels else [self._read(one) for one in found]

    def register(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Add targets; one that is there already is no error, one that does not exist is NotFound and none is added."""
        require_targets(targets, self.capabilities)
        bound = self._bound(deadline)
        balancer = self._one(id, bound)
        members = self._members(targets, int(balancer.port or 0), bound)
        there = {target for target, _ in self._targets(balancer, bound)}
        for target, member in zip(targets, members, strict=True):
            if target.id not in there:
                self._run(lambda held, one=member: _attach(held.driver, balancer, one), f"adding {target.id}", bound)

    def deregister(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Take targets out. One that is not there is no error."""
        bound = self._bound(deadline)
        balancer = self._one(id, bound)
        wanted = {target.id for target in targets}
        for target, member in self._targets(balancer, bound):
            if target in wanted:
                with suppress(NotFound):
                    self._run(
                        lambda held, one=member: held.driver.balancer_detach_member(balancer, one), f"removing {target}", bound
                    )

    def health(self, id: str, *, deadline: Deadline | None = None) -> Sequence[TargetHealth]:
        """Each target; Libcloud tells nothing of how they are."""
        bound = self._bound(deadline)
        reason = "libcloud's members tell no health"
        return [TargetHealth(target, "unknown", reason) for target, _ in self._targets(self._one(id, bound), bound)]

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the balancer; one that is not there is no error."""
        bound = self._bound(deadline)
        with suppress(NotFound):
            balancer = self._one(id, bound)
            self._run(lambda held: held.driver.destroy_balancer(balancer), f"deleting {id}", bound)

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._calls.retries.deadline(deadline)

    def _run(self, call: Any, doing: str, deadline: Deadline) -> Any:
        return self._calls.run(call, doing=doing, deadline=deadline)

    def _check(self, spec: LoadBalancerSpec) -> None:
        """Raise Unsupported or InvalidSpec for what Libcloud's balancers cannot be asked for."""
        LIMITS.check(spec.labels)
        drivers.check_overrides(self._driver, "create_balancer", spec.overrides, _TAKEN)
        listener = spec.listeners[0]
        faults = {
            "labels: libcloud's balancers have nowhere to keep them; leave them out": spec.labels,
            "listeners: libcloud's balancers have one; make a balancer for each port": len(spec.listeners) > 1,
            "target_port: libcloud's balancers send on to the port that they listen on": listener.port != listener.target_port,
            f"health check: {self.capabilities['balancer_http_check'].reason}": spec.health_check != HealthCheck(),
        }
        for reason, wrong in faults.items():
            if wrong:
                raise Unsupported(reason, provider=self.provider, code="Unsupported")

    def _members(self, targets: Iterable[TargetSpec], port: int, deadline: Deadline) -> Sequence[Any]:
        """Libcloud's members for targets; NotFound if an instance is not there."""
        wanted = list(targets)
        nodes = {self._id_of(node): node for node in self._nodes(deadline)} if any(one.instance for one in wanted) else {}
        found = []
        for target in wanted:
            if target.instance is None:
                found.append(_member(None, target.address, port))
            elif target.instance not in nodes:
                raise NotFound(f"instance {target.instance} is not there", provider=self.provider, code="NotFound")
            else:
                node = nodes[target.instance]
                address = next(iter([*node.private_ips, *node.public_ips]), None)
                found.append(_member(node.id, address, port, node))
        return found

    def _targets(self, balancer: Any, deadline: Deadline) -> Iterable[tuple[str, Any]]:
        """A balancer's members, each with what it is known by: the id of an instance of ours, else its address."""
        members = self._run(
            lambda held: list(held.driver.balancer_list_members(balancer)), f"listing targets of {balancer.id}", deadline
        )
        nodes = self._nodes(deadline) if members else ()
        known = {self._id_of(node) for node in nodes}
        by_address = {address: self._id_of(node) for node in nodes for address in [*node.public_ips, *node.private_ips]}
        for member in members:
            yield str(member.id if str(member.id) in known else by_address.get(member.ip) or member.ip or member.id), member

    def _listed(self, deadline: Deadline) -> Sequence[Any]:
        found: Sequence[Any] = self._run(lambda held: list(held.driver.list_balancers()), "listing balancers", deadline)
        return found

    def _one(self, id: str, deadline: Deadline) -> Any:
        for balancer in self._listed(deadline):
            if str(balancer.id) == id:
                return balancer
        raise NotFound(f"balancer {id} is not there", provider=self.provider, code="NotFound")

    def _read(self, found: Any) -> LoadBalancer:
        port = int(found.port or 0)
        told = str((found.extra or {}).get("protocol", "")).lower()
        protocol: Any = told if told in ("tcp", "http") else "tcp"
        return LoadBalancer(
            str(found.id),
            self.provider,
            self.region,
            state=_STATES.get(found.state, LoadBalancerState.ACTIVE),
            name=names.shown(found.name) or "",
            address=found.ip or None,
            listeners=(Listener(port=port, protocol=protocol, target_port=port),) if port else (),
            native=found,
        )


def _member(id: str | None, address: str | None, port: int, node: Any = None) -> Any:
    made: Any = Member
    return made(id, address, port, extra={"node": node})


def _attach(driver: Any, balancer: Any, member: Any) -> Any:
    """Add a member: an instance by the driver's own way where it has one, since some know no addresses."""
    node = member.extra.get("node")
    if node is not None and drivers.overrides(type(driver), BalancerDriver, "balancer_attach_compute_node"):
        return driver.balancer_attach_compute_node(balancer, node)
    return driver.balancer_attach_member(balancer, member)
