"""Load balancing on the simulated cloud: the driver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Capabilities, Deadline
from cloudlayer.providers.base.attempts import PLAIN_LABELS, checked_token, fingerprint
from cloudlayer.providers.base.load_balancing import BaseLoadBalancing, require_balancer, require_targets
from cloudlayer.providers.simulated import balancers, health
from cloudlayer.providers.simulated.calls import Attempt, Calls, Made
from cloudlayer.resources import LoadBalancer, LoadBalancerSpec, LoadBalancerState, TargetHealth, TargetSpec
from cloudlayer.runtime.simulated import Simulation
from cloudlayer.runtime.simulated.records import Document

DRAIN_POLL_SECONDS: Final = 2.0


class SimulatedLoadBalancing(BaseLoadBalancing):
    """Load balancers of one region of a world."""

    def __init__(self, capabilities: Capabilities, region: str, simulation: Simulation) -> None:
        super().__init__(capabilities, region, clock=simulation.clock)
        self._calls = Calls(simulation, region)

    def create(self, spec: LoadBalancerSpec, *, token: str, deadline: Deadline | None = None) -> LoadBalancer:
        """Begin to make the balancer: its listeners first, then itself; idempotent by token."""
        token, digest = checked_token(token), fingerprint([spec])
        require_balancer(spec, self.capabilities)
        PLAIN_LABELS.check(spec.labels)
        _check_addresses(spec.targets)
        if spec.overrides:
            raise InvalidSpec(
                f"overrides.{next(iter(spec.overrides))}: unknown key; the simulated cloud has none for balancers"
            )

        def make(document: Document, now: float, made: Made) -> LoadBalancer:
            return balancers.create(
                document, now, self.region, spec, token=token, digest=digest, labels=made.labels, made_with=made.pieces
            )

        attempt = Attempt(spec.name, token, digest, spec.labels, deadline)
        return self._calls.create("balancer.create", attempt, kinds=["listener_set"], found=self.list, make=make)

    def get(self, id: str, *, deadline: Deadline | None = None) -> LoadBalancer:
        """The balancer as the cloud shows it."""
        return self._calls.run("balancer.get", id, lambda doc, now: balancers.describe(doc, now, self.region, id), deadline)

    def register(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Add targets, all of them or none."""
        require_targets(targets, self.capabilities)
        _check_addresses(targets)

        def operation(document: Document, now: float) -> None:
            balancers.register(document, now, self.region, id, targets)

        self._calls.run("balancer.register", id, operation, deadline)

    def deregister(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Take targets out, and wait until the last has drained."""

        def operation(document: Document, now: float) -> float:
            return balancers.deregister(document, now, self.region, id, targets)

        while (left := self._calls.run("balancer.deregister", id, operation, deadline)) > 0:
            pause = min(left, DRAIN_POLL_SECONDS)
            if deadline is not None:
                deadline.check(f"waiting for the targets of {id} to drain")
                pause = min(pause, deadline.remaining())
            self.clock.sleep(pause)

    def health(self, id: str, *, deadline: Deadline | None = None) -> Sequence[TargetHealth]:
        """Each target and its health."""
        return self._calls.run("balancer.health", id, lambda doc, now: health.health(doc, now, self.region, id), deadline)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the balancer, and delete its listeners."""
        used = self._calls.run("balancer.delete", id, lambda doc, now: balancers.delete(doc, now, self.region, id), deadline)
        self._calls.discard(used, deadline)

    def wait(
        self,
        balancer: LoadBalancer | str,
        state: LoadBalancerState | str,
        *,
        timeout: float = 900,
        deadline: Deadline | None = None,
    ) -> LoadBalancer:
        """The balancer once it is in `state`, eventual consistency waited out."""
        self.settle = self._calls.settle
        return super().wait(balancer, state, timeout=timeout, deadline=deadline)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[LoadBalancer]:
        """Every balancer of the region that carries all of `labels`."""
        wanted = dict(labels or {})

        def page(document: Document, now: float, after: str | None) -> tuple[Sequence[LoadBalancer], str | None]:
            return balancers.page(document, now, self.region, wanted, after)

        return self._calls.pages("balancer.list", page, deadline)


def _check_addresses(targets: Iterable[TargetSpec]) -> None:
    for target in targets:
        if target.address is not None:
            try:
                ip_address(target.address)
            except ValueError:
                raise InvalidSpec(f'targets.address: "{target.address}" is no IP address') from None
