"""What `register`, `deregister` and `health` promise."""

from __future__ import annotations

import pytest

from cloudlayer.errors import NotFound, TransientError
from cloudlayer.interfaces import Compute, Deadline, LoadBalancing, Provider
from cloudlayer.resources import InstanceSpec, LoadBalancerSpec, ScalingGroupSpec, TargetSpec
from cloudlayer.testing.base import changed
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.load_balancing.base import BalancerPromises, targets
from cloudlayer.testing.skips import need

STATES = ("healthy", "unhealthy", "draining", "initial", "unknown")


class TargetPromises(BalancerPromises):
    """Targets are in when they are registered, and out when they are deregistered; health lists each."""

    @proves("balancer_instances")
    def test_an_instance_is_a_target_until_it_is_taken_out(
        self, provider: Provider, balancers: LoadBalancing, spec: LoadBalancerSpec, token: str, target: TargetSpec
    ) -> None:
        """By its id."""
        need(provider, "balancer_instances")
        self._comes_and_goes(balancers, self.made(balancers, spec, token).id, target)

    @proves("balancer_addresses")
    def test_an_address_is_a_target_until_it_is_taken_out(
        self, provider: Provider, balancers: LoadBalancing, spec: LoadBalancerSpec, token: str, addresses: tuple[str, str]
    ) -> None:
        """As it was given, whoever answers there."""
        need(provider, "balancer_addresses")
        self._comes_and_goes(balancers, self.made(balancers, spec, token).id, TargetSpec(address=addresses[0]))

    @proves("balancer_groups")
    def test_a_groups_members_are_targets_until_it_is_taken_out(
        self, provider: Provider, balancers: LoadBalancing, spec: LoadBalancerSpec, token: str, target_spec: InstanceSpec
    ) -> None:
        """Each by itself, those that come later too."""
        need(provider, "autoscaling", "balancer_groups")
        template = changed(target_spec, name=None, zone=None, labels={})
        group_spec = ScalingGroupSpec(name="targets", template=template, min=1, max=2, labels=spec.labels)
        groups = provider.autoscaling
        group = groups.wait(groups.create(group_spec, token=token), "active", timeout=self.patience)
        id = self.made(balancers, spec, token).id  # noqa: A001
        balancers.register(id, [TargetSpec(group=group.id)])
        groups.set_desired(group.id, 2)
        group = groups.wait(group, "active", timeout=self.patience)
        assert targets(balancers, id) == {member.instance for member in group.members if not member.state.gone}
        balancers.deregister(id, [TargetSpec(group=group.id)])
        assert targets(balancers, id) == set()
        assert groups.wait(group, "active", timeout=self.patience).desired == 2

    @proves("balancer_instances")
    def test_targets_of_the_spec_are_there_from_the_start(
        self, provider: Provider, balancers: LoadBalancing, spec: LoadBalancerSpec, token: str, target: TargetSpec
    ) -> None:
        """With nobody registering them."""
        need(provider, "balancer_instances")
        made = self.made(balancers, changed(spec, targets=[target]), token)
        assert targets(balancers, made.id) == {target.id}

    def test_registering_twice_is_no_error(
        self, provider: Provider, balancers: LoadBalancing, spec: LoadBalancerSpec, token: str, target: TargetSpec
    ) -> None:
        """And counts once; so does taking out, which leaves the others in."""
        need(provider, "balancer_instances")
        id = self.made(balancers, spec, token).id  # noqa: A001
        for _ in range(2):
            balancers.register(id, [target])
        assert [found.target for found in balancers.health(id)] == [target.id]
        for _ in range(2):
            balancers.deregister(id, [target])
        assert targets(balancers, id) == set()

    def test_an_unknown_target_is_not_found_and_none_is_added(
        self,
        provider: Provider,
        balancers: LoadBalancing,
        spec: LoadBalancerSpec,
        token: str,
        target: TargetSpec,
        absent_instance: str,
    ) -> None:
        """Not even those that are there."""
        need(provider, "balancer_instances")
        id = self.made(balancers, spec, token).id  # noqa: A001
        with pytest.raises(NotFound):
            balancers.register(id, [target, TargetSpec(instance=absent_instance)])
        assert targets(balancers, id) == set()

    def test_one_target_is_taken_out_and_the_other_stays(
        self, provider: Provider, balancers: LoadBalancing, spec: LoadBalancerSpec, token: str, addresses: tuple[str, str]
    ) -> None:
        """And one that is not there is no error."""
        need(provider, "balancer_addresses")
        first, second = (TargetSpec(address=address) for address in addresses)
        made = self.made(balancers, changed(spec, targets=[first]), token)
        balancers.deregister(made.id, [second])
        balancers.register(made.id, [second])
        balancers.deregister(made.id, [first])
        assert targets(balancers, made.id) == {second.id}

    def test_taking_out_whose_time_is_up_goes_on_with_the_next_call(
        self, provider: Provider, balancers: LoadBalancing, spec: LoadBalancerSpec, token: str, addresses: tuple[str, str]
    ) -> None:
        """The first one says that it may pass."""
        need(provider, "balancer_addresses")
        target = TargetSpec(address=addresses[0])
        made = self.made(balancers, changed(spec, targets=[target]), token)
        with pytest.raises(TransientError):
            balancers.deregister(made.id, [target], deadline=Deadline.after(0))
        balancers.deregister(made.id, [target])
        assert targets(balancers, made.id) == set()

    @proves("balancer_health")
    def test_health_is_one_of_the_known_states(
        self, provider: Provider, balancers: LoadBalancing, spec: LoadBalancerSpec, token: str, addresses: tuple[str, str]
    ) -> None:
        """Each target once, however many listeners there are."""
        need(provider, "balancer_health", "balancer_addresses")
        both = [TargetSpec(address=address) for address in addresses]
        made = self.made(balancers, changed(self.whole(provider, spec), targets=both), token)
        found = balancers.health(made.id)
        assert sorted(target.target for target in found) == sorted(addresses)
        assert all(target.state in STATES for target in found)

    @proves("load_balancing")
    def test_a_deleted_balancer_leaves_its_targets(
        self,
        provider: Provider,
        balancers: LoadBalancing,
        compute: Compute,
        spec: LoadBalancerSpec,
        token: str,
        target: TargetSpec,
    ) -> None:
        """They run on."""
        need(provider, "balancer_instances")
        self.removed(balancers, self.made(balancers, changed(spec, targets=[target]), token).id)
        assert compute.get(target.id).state == "running"

    def test_calls_on_an_absent_balancer_are_not_found(
        self, balancers: LoadBalancing, absent_id: str, addresses: tuple[str, str]
    ) -> None:
        """Each of them."""
        target = TargetSpec(address=addresses[0])
        with pytest.raises(NotFound):
            balancers.health(absent_id)
        with pytest.raises(NotFound):
            balancers.register(absent_id, [target])
        with pytest.raises(NotFound):
            balancers.deregister(absent_id, [target])

    def _comes_and_goes(self, balancers: LoadBalancing, id: str, target: TargetSpec) -> None:
        balancers.register(id, [target])
        assert [found.target for found in balancers.health(id)] == [target.id]
        balancers.deregister(id, [target])
        assert targets(balancers, id) == set()
