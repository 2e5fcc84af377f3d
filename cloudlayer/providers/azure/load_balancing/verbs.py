"""Load balancing on Azure: Standard Load Balancers, which pass TCP connections on.

A balancer's machines must let it in themselves: from the internet (`open_ports`) where it is public, and its probes as Azure's
default rules do. Behind a private one, a machine without a public address cannot reach the internet any more: Azure gives such
machines no way out, unless their subnet has a NAT gateway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer import labels as names
from cloudlayer.errors import CloudError, Conflict
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.creation import ADDRESSES, BALANCERS, Things
from cloudlayer.providers.azure.load_balancing.balancers import (
    asked,
    balancer_document,
    check_spec,
    pool_of,
    public_id,
    read_asked,
    read_balancer,
)
from cloudlayer.providers.azure.load_balancing.health import Health
from cloudlayer.providers.azure.load_balancing.targets import Targets, addresses_in, check_targets
from cloudlayer.providers.azure.marks import (
    ASKED,
    LEFT,
    MADE,
    MAKING,
    MAY_COME,
    NAME,
    PART_OF,
    TAGS,
    is_ours,
    is_young,
    last_name,
    read_labels,
    same_spec,
    tags_of,
)
from cloudlayer.providers.azure.options import BalancerOverrides
from cloudlayer.providers.azure.places import Places
from cloudlayer.providers.base.attempts import checked_token, fingerprint, native_name
from cloudlayer.providers.base.load_balancing import BaseLoadBalancing, require_balancer, require_targets
from cloudlayer.providers.base.retries import CALL_SECONDS
from cloudlayer.resources import Leftover, LoadBalancer, LoadBalancerSpec, LoadBalancerState, TargetHealth, TargetSpec
from cloudlayer.specs import checked

_PREFIX: Final = "clb"
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class _Plan:
    """A balancer that is to be made: its native name, and the tags that it and its address carry."""

    name: str
    spec: LoadBalancerSpec
    overrides: BalancerOverrides
    tags: dict[str, str]
    digest: str


class AzureLoadBalancing(BaseLoadBalancing):
    """Load balancers in one resource group and location. A balancer's id is its name there."""

    def __init__(self, client: Client, capabilities: Capabilities, places: Places, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._places = places
        self._balancers = Things(client, BALANCERS)
        self._addresses = Things(client, ADDRESSES)
        self._targets = Targets(client)
        self._health = Health(client, clock)

    def create(self, spec: LoadBalancerSpec, *, token: str, deadline: Deadline | None = None) -> LoadBalancer:
        """Begin to make the balancer with its listeners, probes and targets; idempotent by token.

        How many probes make a target well again is Azure's own business: `healthy_after` is not.
        """
        plan, bound = self._planned(spec, checked_token(token)), self._bound(deadline)
        try:
            found = self._balancers.find(plan.name, bound) or self._make(plan, bound)
            same_spec(tags_of(found), plan.digest, plan.name)
            if _is_ending(found):
                raise self._conflict("BalancerIsEnding", f"{plan.name} is being deleted: another one needs a new token")
            if MAKING in tags_of(found):
                self._complete(plan, bound)
        except CloudError as error:
            if not isinstance(error, (*MAY_COME, Conflict)):
                with suppress(CloudError):  # what stays is told by `leftovers`, and the first error is the one that counts
                    self._remove(plan.name, bound)
            raise
        return self.get(plan.name, deadline=bound)

    def get(self, id: str, *, deadline: Deadline | None = None) -> LoadBalancer:
        """The balancer as it is now; NotFound if it is not there."""
        bound = self._bound(deadline)
        found = self._balancers.get(id, bound)
        public, addresses = public_id(found), {}
        if public is not None:
            address = self._addresses.find(last_name(public), bound)
            addresses[public.lower()] = (address or {}).get("properties", {}).get("ipAddress")
        return read_balancer(found, self.region, addresses)

    def register(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Add targets, addresses beside nothing else; one that is not there is NotFound, and then none is added."""
        require_targets(targets, self.capabilities)
        check_targets(targets)
        bound = self._bound(deadline)
        self._register(self._balancers.get(id, bound), targets, bound)

    def deregister(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Take targets out, and return when the balancer's `drain` seconds have passed since.

        From the start they get no new connections. Azure's balancer has no draining of its own, and gives no promise for those
        that are established: this leaves them the time. When targets were last taken out is kept with the balancer, so that a
        later call goes on with the waiting.
        """
        found = self._balancers.get(id, self._bound(deadline))
        drain = read_asked(tags_of(found))[0]
        bound = deadline or Deadline.after(drain + CALL_SECONDS, self.clock)
        bound.check("taking targets out")
        since = _left(tags_of(found))
        if self._targets.present(found, targets, bound):
            since = self.clock.now()
            self._balancers.tag(id, {**tags_of(found), LEFT: f"{since:.3f}"}, bound)
        self._targets.deregister(found, targets, bound)
        while (rest := since + drain - self.clock.now()) > 0:
            bound.check("waiting for targets to finish; the same call goes on with it")
            self.clock.sleep(min(rest, bound.remaining()))

    def health(self, id: str, *, deadline: Deadline | None = None) -> Sequence[TargetHealth]:
        """Each target and what the probes of the last minute say of it, the members of groups each by itself."""
        bound = self._bound(deadline)
        found = self._balancers.get(id, bound)
        pool = pool_of(found)
        targets: dict[str, str | None] = {address: address for address in addresses_in(pool)}
        targets |= {machine: card[1] for machine, card in self._targets.machines(pool, bound).items()}
        return self._health.of(found["id"], targets, bound)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the balancer with its address, once its targets are out; waits until it is gone."""
        self._remove(id, self._bound(deadline))

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[LoadBalancer]:
        """Every balancer that carries all of `labels`."""
        bound, wanted = self._bound(deadline), dict(labels or {})
        found = [item for item in self._balancers.all(bound) if wanted.items() <= read_labels(tags_of(item)).items()]
        public = any(public_id(item) for item in found)
        addresses = {
            str(item["id"]).lower(): item["properties"].get("ipAddress")
            for item in (self._addresses.all(bound) if public else ())
        }
        return [read_balancer(item, self.region, addresses) for item in found]

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Iterator[Leftover]:
        """Addresses with all of `labels` whose balancer is not there, but for those that a create may be about to use."""
        now = self.clock.now()
        found = [item for item in self._addresses.all(deadline) if _is_piece(item) and is_ours(tags_of(item), labels)]
        balancers = {item["name"] for item in self._balancers.all(deadline)} if found else set()
        for item in found:
            tags = tags_of(item)
            if tags[PART_OF] not in balancers and not is_young(tags, now):
                told = read_labels(tags)
                yield Leftover(item["name"], ADDRESSES.type, "azure", self.region, name=item["name"], labels=told, native=item)

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them, unless its balancer is there after all; False if it is of another kind."""
        if leftover.kind != ADDRESSES.type or not leftover.id.startswith(f"{_PREFIX}-"):
            return False
        if self._balancers.find(_owner(leftover.id), deadline) is None:
            with suppress(Conflict):
                self._addresses.delete(leftover.id, deadline, wait=True)
        return True

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _planned(self, spec: LoadBalancerSpec, token: str) -> _Plan:
        """What is to be made; raises for what cannot be had, before any call."""
        require_balancer(spec, self.capabilities)
        TAGS.check(spec.labels)
        check_spec(spec)
        check_targets(spec.targets)
        overrides = checked(BalancerOverrides, spec.overrides, "overrides")
        tags = {**spec.labels, names.TOKEN: token, NAME: spec.name}
        return _Plan(native_name(_PREFIX, token, _LONGEST_NAME), spec, overrides, tags, fingerprint([spec]))

    def _make(self, plan: _Plan, deadline: Deadline) -> Any:
        self._targets.check(plan.spec.targets, deadline)
        body = balancer_document(plan.spec, self._balancers.id(plan.name), self._front(plan, deadline), self.region)
        making = {MAKING: "targets"} if plan.spec.targets else {}
        kept = {ASKED: asked(plan.spec.drain, plan.overrides.subnet)}
        body["tags"] = {**plan.tags, names.SPEC: plan.digest, **kept, **making}
        return self._balancers.make(plan.name, body, deadline)

    def _front(self, plan: _Plan, deadline: Deadline) -> dict[str, Any]:
        """Where the balancer's address comes from: a public one of its own, or the subnet."""
        if not plan.spec.public:
            subnet = self._places.subnet(plan.overrides.subnet, deadline)
            return {"subnet": {"id": subnet}, "privateIPAllocationMethod": "Dynamic"}
        name = f"{plan.name}-address"
        body = {
            "location": self.region,
            "sku": {"name": "Standard"},
            "tags": {**plan.tags, PART_OF: plan.name, MADE: str(int(self.clock.now()))},
            "properties": {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"},
        }
        self._addresses.make(name, body, deadline)
        return {"publicIPAddress": {"id": self._addresses.settled(name, deadline)["id"]}}

    def _complete(self, plan: _Plan, deadline: Deadline) -> None:
        """Register the targets, and say that nothing is left to be made."""
        found = self._balancers.settled(plan.name, deadline)
        self._register(found, plan.spec.targets, deadline)
        tags = tags_of(self._balancers.get(plan.name, deadline))
        self._balancers.tag(plan.name, {name: value for name, value in tags.items() if name != MAKING}, deadline)

    def _register(self, found: Mapping[str, Any], targets: Sequence[TargetSpec], deadline: Deadline) -> None:
        network = ""
        if any(target.address is not None for target in targets):
            subnet = self._places.subnet(read_asked(tags_of(found))[1], deadline)
            network = subnet.rpartition("/subnets/")[0]
        self._targets.register(found, targets, network, deadline)

    def _remove(self, name: str, deadline: Deadline) -> None:
        """Delete the balancer of a native name and its address, be it there itself or not."""
        found = self._balancers.find(name, deadline)
        if found is not None:
            if not _is_ending(found):
                self._targets.empty(found, deadline)
            self._balancers.delete(name, deadline, wait=True)
        if name.startswith(f"{_PREFIX}-"):
            self._addresses.delete(f"{name}-address", deadline, wait=True)

    def _conflict(self, code: str, message: str) -> Conflict:
        return Conflict(message, provider=self.provider, code=code)


def _is_piece(found: Mapping[str, Any]) -> bool:
    return str(found["name"]).startswith(f"{_PREFIX}-") and PART_OF in tags_of(found)


def _owner(address: str) -> str:
    return address.removesuffix("-address")


def _is_ending(found: Mapping[str, Any]) -> bool:
    state = str(found["properties"].get("provisioningState") or "").lower()
    return state == LoadBalancerState.DELETING


def _left(tags: Mapping[str, str]) -> float:
    """When targets were last taken out of the balancer with these tags."""
    return float(tags.get(LEFT, 0))
