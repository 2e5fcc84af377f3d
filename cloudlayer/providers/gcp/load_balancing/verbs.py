"""Load balancing: one thing for the user out of some dozen of Google's, each named after the balancer.

A balancer is its first health check: that one is made before all else and deleted after all else, and what is missing of the
rest tells in which state the balancer is. Whatever breaks off, the same create or delete goes on with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from cloudlayer.errors import CloudError, Conflict
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import checked_token
from cloudlayer.providers.base.load_balancing import BaseLoadBalancing, require_balancer, require_targets
from cloudlayer.providers.base.retries import CALL_SECONDS
from cloudlayer.providers.base.turns import Turns
from cloudlayer.providers.gcp.client import Client, basename
from cloudlayer.providers.gcp.codes import IN_USE
from cloudlayer.providers.gcp.facts import describe, marks_of
from cloudlayer.providers.gcp.load_balancing.attachments import Attachments
from cloudlayer.providers.gcp.load_balancing.backends import Backends, Find
from cloudlayer.providers.gcp.load_balancing.balancers import Balancers, is_ending, owner_of
from cloudlayer.providers.gcp.load_balancing.draining import Draining
from cloudlayer.providers.gcp.load_balancing.health import Health
from cloudlayer.providers.gcp.load_balancing.making import BalancerMaking
from cloudlayer.providers.gcp.load_balancing.pieces import (
    ADDRESS,
    BY_WORD,
    CHECK,
    ENDPOINTS,
    FIREWALL,
    KINDS,
    MACHINES,
    Piece,
    Pieces,
    suppress_codes,
)
from cloudlayer.providers.gcp.load_balancing.plans import PREFIX, BalancerPlan, check_takes, check_targets, layers, planned
from cloudlayer.providers.gcp.marks import LIMITS, MAY_COME, is_ours, read_labels, same_spec
from cloudlayer.providers.gcp.options import BalancerOverrides
from cloudlayer.providers.gcp.places import Places
from cloudlayer.resources import Leftover, LoadBalancer, LoadBalancerSpec, LoadBalancerState, TargetHealth, TargetSpec
from cloudlayer.specs import checked

_PATIENCE: Final = 300.0
"""Seconds for all the pieces of a balancer: Google takes ten to thirty for some of them, one after the other."""


class GcpLoadBalancing(BaseLoadBalancing):
    """Load balancers of one region. `find_group` gives the manager of a scaling group."""

    def __init__(self, client: Client, capabilities: Capabilities, find_group: Find, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._pieces = Pieces(client, clock)
        self._balancers = Balancers(client, self._pieces)
        self._backends = Backends(client, self._pieces, find_group, clock)
        self._making = BalancerMaking(client, self._pieces, self._backends)
        self._draining = Draining(self._pieces, clock)
        self._health = Health(client, self._pieces)
        self._places = Places(client)
        self._turns = Turns()
        self.attachments = Attachments(self._balancers, self._backends, self._pieces)

    def create(self, spec: LoadBalancerSpec, *, token: str, deadline: Deadline | None = None) -> LoadBalancer:
        """Make the balancer with its listeners, health check and targets; idempotent by token.

        Waits for each piece before it makes what needs it, five minutes at the most where no `deadline` is given.
        """
        token = checked_token(token)
        plan = self._planned(spec, token)
        bound = deadline or Deadline.after(_PATIENCE, self.clock)
        try:
            with self._turns.take(token, bound):
                return self._made(plan, bound)
        except CloudError as error:
            if not isinstance(error, (*MAY_COME, Conflict)):
                with suppress(CloudError):  # what stays is listed, and the first error is the one that counts
                    self.delete(plan.id, deadline=bound)
            raise

    def get(self, id: str, *, deadline: Deadline | None = None) -> LoadBalancer:
        """The balancer as it is now; NotFound if it is not there."""
        bound = self._bound(deadline)
        first = self._balancers.found(id, bound)
        return self._balancers.read(first, self._balancers.rules(bound, id))

    def register(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Add targets; one that is there already is no error, one that does not exist is NotFound and none is added.

        An address is an endpoint of the kind NON_GCP_PRIVATE_IP_PORT, which Google means for what is outside of Google and
        reached by VPN or Interconnect. A machine of Google's own is registered as an instance, and not by its address.
        """
        require_targets(targets, self.capabilities)
        check_targets(targets)
        bound = self._bound(deadline)
        form = self._balancers.form(id, bound)
        check_takes(form, targets)
        self._backends.check(targets, bound)
        marks, facts = marks_of(self._balancers.found(id, bound).description)
        self._backends.register(id, form, targets, describe(marks, {"region": facts["region"]}), bound)
        self._draining.forget(id, form, {target.id for target in targets}, bound)

    def deregister(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Take targets out, and return when they have had their time to finish."""
        first = self._balancers.found(id, self._bound(deadline))
        form = self._balancers.form_of(first)
        bound = deadline or Deadline.after(form.drain + CALL_SECONDS, self.clock)
        names = {target.id for target in targets}
        leaving = names & self._backends.present(id, form, bound)
        if leaving:
            self._draining.begin(id, form, leaving, bound)
            self._backends.remove(id, form, targets, bound)
            self._draining.begin(id, form, leaving, bound)  # Google counts from when they are out
        self._draining.finish(id, form, names, bound)

    def health(self, id: str, *, deadline: Deadline | None = None) -> Sequence[TargetHealth]:
        """Each target and its health, the members of groups each by itself."""
        bound = self._bound(deadline)
        form = self._balancers.form(id, bound)
        return self._health.of(id, form, self._draining.of(id, form, bound), bound)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the balancer, and wait for each piece to be gone, as `create` does; its targets stay."""
        bound = deadline or Deadline.after(_PATIENCE, self.clock)
        first = self._balancers.find(id, bound)
        if first is None:
            return
        form = self._balancers.end(first, bound)
        for layer in layers(id, form):
            self._pieces.drop(layer, bound)
        groups = [
            Piece(kind, found.name, zone=basename(found.zone))
            for kind in (MACHINES, ENDPOINTS)
            for found in self._pieces.listed(kind, id, bound)
        ]
        self._pieces.drop([*groups, form.piece(ADDRESS, id), Piece(FIREWALL, id)], bound)
        self._pieces.drop([form.piece(CHECK, id)], bound)

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Sequence[Leftover]:
        """Pieces with all of `labels` whose balancer is not there, in the order in which they can be deleted."""
        present = {first.name for first in self._balancers.all(deadline)}
        return [
            leftover
            for kind in KINDS
            for found in self._pieces.listed(kind, PREFIX, deadline)
            if owner_of(found.name) not in present and (leftover := self._leftover(kind.word, found, labels)) is not None
        ]

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them, unless its balancer is there after all; False if it is of another kind."""
        kind, name = BY_WORD.get(leftover.kind), basename(leftover.id)
        if kind is None or not name.startswith(PREFIX):
            return False
        if self._balancers.find(owner_of(name), deadline) is None:
            scope, place = [*leftover.id.split("/")[:2], ""][:2]
            piece = Piece(kind, name, regional=scope == "regions", zone=place if scope == "zones" else "")
            with suppress_codes(IN_USE):
                self._pieces.remove(piece, deadline)
        return True

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[LoadBalancer]:
        """Every balancer that carries all of `labels`."""
        bound, wanted = self._bound(deadline), dict(labels or {})
        marked = [first for first in self._balancers.all(bound) if is_ours(marks_of(first.description)[0], wanted)]
        rules = self._balancers.rules(bound) if marked else []
        return [self._balancers.read(first, rules) for first in marked]

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _planned(self, spec: LoadBalancerSpec, token: str) -> BalancerPlan:
        """What is to be made; raises for what cannot be had, before any call."""
        require_balancer(spec, self.capabilities)
        LIMITS.check(spec.labels)
        overrides = checked(BalancerOverrides, spec.overrides, "overrides")
        network = self._places.network(overrides.network or self._client.options.network)
        return planned(spec, token, overrides, network, self.region)

    def _made(self, plan: BalancerPlan, deadline: Deadline) -> LoadBalancer:
        """The balancer of a plan, whole."""
        first = self._balancers.find(plan.id, deadline)
        if first is None:
            self._making.check(plan, deadline)
            self._making.begin(plan, deadline)
            first = self._balancers.found(plan.id, deadline)
        same_spec(marks_of(first.description)[0], plan.digest, plan.id)
        if is_ending(first):
            message = f"{plan.id} is being deleted: another one needs a new token"
            raise Conflict(message, provider=self.provider, code="BalancerIsEnding")
        found = self._balancers.read(first, self._balancers.rules(deadline, plan.id))
        if found.state is LoadBalancerState.ACTIVE:
            return found
        self._making.complete(plan, deadline)
        return self._balancers.read(first, self._balancers.rules(deadline, plan.id))

    def _leftover(self, word: str, found: object, labels: Mapping[str, str]) -> Leftover | None:
        """A piece as a leftover; None if it is of another region, or carries other labels."""
        marks, facts = marks_of(getattr(found, "description", ""))
        if facts.get("region") != self.region or not is_ours(marks, labels):
            return None
        url, name = str(getattr(found, "self_link", "")), str(getattr(found, "name", ""))
        place = url.partition("/projects/")[2].partition("/")[2]
        return Leftover(place, word, self.provider, self.region, name=name, labels=read_labels(marks), native=found)
