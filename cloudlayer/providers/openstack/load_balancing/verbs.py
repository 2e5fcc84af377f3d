"""LoadBalancing on Octavia."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from cloudlayer import labels as names
from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import adopted, checked_token, fingerprint
from cloudlayer.providers.base.load_balancing import BaseLoadBalancing, require_balancer, require_targets
from cloudlayer.providers.base.retries import CALL_SECONDS
from cloudlayer.providers.base.turns import Turns
from cloudlayer.providers.openstack.client import Client
from cloudlayer.providers.openstack.compute.network import Network
from cloudlayer.providers.openstack.creation import look_or_make
from cloudlayer.providers.openstack.load_balancing.balancers import check_spec, member, populated, read_balancer, worst
from cloudlayer.providers.openstack.load_balancing.pools import Pools
from cloudlayer.providers.openstack.load_balancing.targets import Places
from cloudlayer.providers.openstack.options import BalancerOverrides
from cloudlayer.providers.openstack.tags import LIMITS, tagged, word
from cloudlayer.resources import LoadBalancer, LoadBalancerSpec, TargetHealth, TargetSpec
from cloudlayer.specs import checked

_SERVICE: Final = "load_balancer"
_ALL: Final = "/lbaas/loadbalancers"


class Groups(Protocol):
    """What a balancer asks of the scaling groups."""

    def require(self, id: str, *, deadline: Deadline) -> None:
        """NotFound if the group is not there."""
        ...

    def attach(self, id: str, balancer: str, *, deadline: Deadline) -> None:
        """Begin to make the group's members targets, now and as they come and go; NotFound if it is not there."""
        ...

    def detach(self, id: str, balancer: str, *, deadline: Deadline) -> None:
        """Begin to take them out; a group that is not there, or not attached, is no error."""
        ...

    def attached(self, balancer: str, *, deadline: Deadline) -> Sequence[str]:
        """The ids of the groups whose members are this balancer's targets."""
        ...


class OctaviaLoadBalancing(BaseLoadBalancing):
    """Balancers of Octavia in one region. One takes changes only while it is ACTIVE: every change waits for that."""

    def __init__(self, client: Client, capabilities: Capabilities, groups: Groups, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._groups = groups
        self._network = Network(client)
        self._places = Places(client, clock)
        self._pools = Pools(client, clock)
        self._turns = Turns()

    def create(self, spec: LoadBalancerSpec, *, token: str, deadline: Deadline | None = None) -> LoadBalancer:
        """Make the balancer whole in one call; Octavia has no tokens: the one that carries this token is looked for first.

        Scaling groups become targets afterwards, when there is a balancer to name to them.
        """
        require_balancer(spec, self.capabilities)
        LIMITS.check(spec.labels)
        check_spec(spec)
        overrides = checked(BalancerOverrides, spec.overrides, "overrides")
        token, digest, bound = checked_token(token), fingerprint([spec]), self._bound(deadline)
        labels = {**spec.labels, names.TOKEN: token}

        def look() -> LoadBalancer | None:
            return adopted(self.list({names.TOKEN: token}, deadline=bound), digest, provider=self.provider)

        def make() -> LoadBalancer:
            return self._make(spec, overrides, labels, digest, bound)

        with self._turns.take(token, bound):
            found = look_or_make(self._client.retries, look, make, doing="creating a balancer", deadline=bound)
        for target in spec.targets:
            if target.group is not None:
                self._groups.attach(target.group, found.id, deadline=bound)
        return self.get(found.id, deadline=bound)

    def get(self, id: str, *, deadline: Deadline | None = None) -> LoadBalancer:
        """The balancer as it is now; NotFound if it is not there."""
        bound = self._bound(deadline)
        found = self._found(id, bound)
        listeners = self._pages("/lbaas/listeners", "listeners", {"load_balancer_id": id}, bound)
        return read_balancer(found, listeners, self._pools.of(id, bound), self.region)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[LoadBalancer]:
        """Every balancer that carries all of `labels`, whole."""
        bound, query = self._bound(deadline), {"tags": ",".join(tagged(labels))} if labels else {}
        found = self._pages(_ALL, "loadbalancers", query, bound)
        if not found:
            return []
        # Listeners and pools carry the labels too; SPEC alone is the balancer's own.
        shared = {name: value for name, value in (labels or {}).items() if name != names.SPEC}
        query = {"tags": ",".join(tagged(shared))} if shared else {}
        listeners = self._pages("/lbaas/listeners", "listeners", query, bound)
        pools = self._pages("/lbaas/pools", "pools", query, bound)
        return [read_balancer(each, listeners, pools, self.region) for each in found]

    def register(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Add targets; one that is there already is no error, one that does not exist is NotFound and none is added."""
        require_targets(targets, self.capabilities)
        bound = self._bound(deadline)
        self._found(id, bound)
        places = self._places.of(targets, bound)
        groups = [target.group for target in targets if target.group is not None]
        for group in groups:
            self._groups.require(group, deadline=bound)
        for pool in self._pools.of(id, bound) if places else ():
            self._pools.add(id, pool, [member(place, pool["tags"]) for place in places], bound)
        for group in groups:
            self._groups.attach(group, id, deadline=bound)

    def deregister(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Drain and remove targets. When each began to drain is written down with it, so that a later call goes on."""
        found = self._found(id, self._bound(deadline))
        drain = float(word(found["tags"], "drain") or 0)
        bound = deadline or Deadline.after(drain + CALL_SECONDS, self.clock)
        wanted = {target.id for target in targets}
        self._pools.drain(id, wanted, drain, bound)
        for target in targets:
            if target.group is not None:
                self._groups.detach(target.group, id, deadline=bound)
        self._pools.remove(id, wanted, bound)

    def health(self, id: str, *, deadline: Deadline | None = None) -> Sequence[TargetHealth]:
        """Each target and its health, by what Octavia's monitors have reported."""
        bound = self._bound(deadline)
        self._found(id, bound)
        return worst(each for _, each in self._pools.members(id, bound))

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the balancer with everything that was made for it; its targets stay. One that is not there is no error."""
        bound = self._bound(deadline)
        for group in self._groups.attached(id, deadline=bound):
            self._groups.detach(group, id, deadline=bound)
        self._delete(id, bound)

    def _make(
        self, spec: LoadBalancerSpec, overrides: BalancerOverrides, labels: Mapping[str, str], digest: str, deadline: Deadline
    ) -> LoadBalancer:
        for target in spec.targets:
            if target.group is not None:
                self._groups.require(target.group, deadline=deadline)
        private = self._network.network(overrides.network, deadline)
        # A public balancer is in the external network, from where it reaches its targets through the subnet that is told.
        through = self._subnet(private, deadline) if spec.public else None
        body = populated(spec, labels, self._places.of(spec.targets, deadline), through)
        body["vip_network_id"] = self._network.external(deadline) if spec.public else private
        body["tags"] = tagged({**labels, names.SPEC: digest}, drain=spec.drain)
        answer = self._client.call(_SERVICE, "POST", _ALL, json={"loadbalancer": body}, again=False, deadline=deadline)
        return read_balancer(answer["loadbalancer"], (), (), self.region)

    def _subnet(self, network: str, deadline: Deadline) -> str:
        """The id of the network's first subnet, one of IPv4 before all others."""
        found = [*self._client.pages("network", "/subnets", "subnets", query={"network_id": network}, deadline=deadline)]
        if not found:
            raise InvalidSpec(f"network: {network} has no subnet, so nothing in it has an address: make one, or name another")
        return str(min(found, key=lambda subnet: (int(subnet["ip_version"]), str(subnet["created_at"])))["id"])

    def _delete(self, id: str, deadline: Deadline) -> None:
        """Ask until Octavia takes it: one that is being changed it does not delete."""
        path, query = f"{_ALL}/{id}", {"cascade": "true"}

        def delete() -> None:
            if self._found(id, deadline)["provisioning_status"] != "PENDING_DELETE":
                self._client.call(_SERVICE, "DELETE", path, query=query, deadline=deadline)

        try:
            self._pools.change(id, delete, deadline)
        except NotFound:
            return

    def _found(self, id: str, deadline: Deadline) -> dict[str, Any]:
        found: dict[str, Any] = self._client.call(_SERVICE, "GET", f"{_ALL}/{id}", deadline=deadline)["loadbalancer"]
        return found

    def _pages(self, path: str, key: str, query: Mapping[str, str], deadline: Deadline) -> Sequence[dict[str, Any]]:
        return [*self._client.pages(_SERVICE, path, key, query=query, deadline=deadline)]

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)
