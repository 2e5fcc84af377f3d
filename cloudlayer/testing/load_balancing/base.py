"""The fixtures of LoadBalancing's promises."""

from __future__ import annotations

from uuid import uuid4

import pytest

from cloudlayer.interfaces import Compute, LoadBalancing, Provider
from cloudlayer.resources import InstanceSpec, Listener, LoadBalancerSpec, TargetSpec
from cloudlayer.testing.base import changed, labelled
from cloudlayer.testing.faults import Kind
from cloudlayer.testing.things.base import ThingPromises


class BalancerPromises(ThingPromises):
    """`spec` is a balancer with one TCP listener and no targets."""

    kind: Kind = "balancer"
    capability = "load_balancing"
    interface = "load_balancing"
    ready = "active"
    makes = ("group", "balancer", "instance")

    @pytest.fixture
    def balancer_spec(self) -> LoadBalancerSpec:
        """A balancer whose one listener's port, and some above it, can be had."""
        return plain_balancer()

    @pytest.fixture
    def spec(self, balancer_spec: LoadBalancerSpec, run: dict[str, str]) -> LoadBalancerSpec:
        """`balancer_spec`, labelled as this test's."""
        return labelled(balancer_spec, run)

    @pytest.fixture
    def target_spec(self, base_spec: InstanceSpec) -> InstanceSpec:
        """An instance that can be a target."""
        return base_spec

    @pytest.fixture
    def addresses(self) -> tuple[str, str]:
        """Two addresses that can be targets."""
        return "10.0.0.251", "10.0.0.252"

    @pytest.fixture
    def absent_id(self) -> str:
        """An id that no balancer has."""
        return "no-such-balancer"

    @pytest.fixture
    def things(self, provider: Provider) -> LoadBalancing:
        """What is tested, under the name that it has among like interfaces."""
        return provider.load_balancing

    @pytest.fixture
    def balancers(self, provider: Provider) -> LoadBalancing:
        """What is tested."""
        return provider.load_balancing

    @pytest.fixture
    def target(self, compute: Compute, target_spec: InstanceSpec, run: dict[str, str]) -> TargetSpec:
        """A running instance, as a target."""
        made = compute.create(labelled(target_spec, run), token=str(uuid4()))
        return TargetSpec(instance=compute.wait(made, "running", timeout=self.patience).id)

    def altered(self, spec: LoadBalancerSpec) -> LoadBalancerSpec:
        """With a longer drain."""
        return changed(spec, drain=spec.drain + 1)

    def beside(self, spec: LoadBalancerSpec, number: int) -> LoadBalancerSpec:
        """On ports of its own."""
        moved = [changed(listener, port=listener.port + 2 * (number + 1)) for listener in spec.listeners]
        return labelled(changed(spec, listeners=moved), {"number": str(number)})

    def whole(self, provider: Provider, spec: LoadBalancerSpec) -> LoadBalancerSpec:
        """With two listeners."""
        first = spec.listeners[0]
        return changed(spec, listeners=[first, changed(first, port=first.port + 1, target_port=first.target_port + 1)])


def plain_balancer() -> LoadBalancerSpec:
    """A balancer with one TCP listener."""
    listener = Listener(port=18080, protocol="tcp", target_port=18081)
    return LoadBalancerSpec(name="conformance", listeners=(listener,), drain=1.0)


def targets(balancers: LoadBalancing, id: str) -> set[str]:
    """The targets that are in, or on their way in."""
    return {target.target for target in balancers.health(id) if target.state != "draining"}
