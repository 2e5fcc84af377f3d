"""What a group's capabilities promise: one that is there works, one that is not gives its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from cloudlayer.errors import NotFound, Unsupported
from cloudlayer.interfaces import Autoscaling, Compute, Provider
from cloudlayer.resources import LoadBalancerSpec, ScalingGroupSpec, ScheduledSize, StepPolicy, TargetTrackingPolicy
from cloudlayer.testing.autoscaling.base import GroupPromises, members, sized, step
from cloudlayer.testing.base import changed, labelled
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.load_balancing.base import plain_balancer, targets
from cloudlayer.testing.skips import lacks, need

Fields = Callable[[Compute, ScalingGroupSpec], dict[str, Any]]


def _types(compute: Compute) -> list[str]:
    return [offer.machine_type.name for offer in compute.offers() if offer.purchase == "on_demand"]


ASKS: dict[str, Fields] = {
    "group_zones": lambda compute, _: {"zones": sorted({offer.zone for offer in compute.offers()})[:2]},
    "group_machine_types": lambda compute, _: {"machine_types": _types(compute)[:1]},
    "group_target_tracking": lambda *_: {"policies": [TargetTrackingPolicy(metric="cpu_percent", target=50)]},
    "group_step": lambda *_: {"policies": [step("up")]},
    "group_step_metric": lambda *_: {"policies": [StepPolicy(name="hot", metric="cpu_percent", threshold=80, change=1)]},
    "group_scheduled": lambda *_: {"policies": [ScheduledSize(cron="0 8 * * *", min=0, max=2)]},
}
"""What a group asks for that needs the capability."""


class GroupCapabilityPromises(GroupPromises):
    """One promise a flag, and those of a group behind a balancer."""

    @pytest.fixture
    def balancer_spec(self) -> LoadBalancerSpec:
        """A balancer to stand in front of a group."""
        return plain_balancer()

    @pytest.mark.parametrize("flag", [*ASKS, "group_balancer"])
    def test_a_group_that_asks_for_what_is_missing_is_unsupported(
        self, provider: Provider, groups: Autoscaling, compute: Compute, spec: ScalingGroupSpec, token: str, flag: str
    ) -> None:
        """With the declared reason, and before anything is made."""
        reason = lacks(provider, flag)
        fields = ASKS[flag](compute, spec) if flag in ASKS else {"balancer": "some-balancer"}
        with pytest.raises(Unsupported) as caught:
            groups.create(changed(spec, **fields), token=token)
        assert reason in caught.value.reason
        assert groups.list(spec.labels) == []

    @proves("{flag}")
    @pytest.mark.parametrize("flag", ASKS)
    def test_a_group_that_asks_for_what_is_there_is_made(
        self, provider: Provider, groups: Autoscaling, compute: Compute, spec: ScalingGroupSpec, token: str, flag: str
    ) -> None:
        """And is deleted."""
        need(provider, flag)
        group = self.started(groups, changed(spec, **ASKS[flag](compute, spec)), token)
        self.removed(groups, group.id)

    @proves("group_zones")
    def test_members_are_in_the_groups_zones(
        self, provider: Provider, groups: Autoscaling, compute: Compute, spec: ScalingGroupSpec, token: str
    ) -> None:
        """Evenly, where there are several."""
        need(provider, "group_zones")
        zones = ASKS["group_zones"](compute, spec)["zones"]
        group = self.started(groups, sized(spec, len(zones), zones=zones), token)
        assert sorted(member.zone for member in group.members) == zones

    @proves("group_balancer")
    def test_members_are_targets_of_the_groups_balancer(
        self, provider: Provider, groups: Autoscaling, spec: ScalingGroupSpec, token: str, balancer: str
    ) -> None:
        """As they come and go; the group says which balancer it is behind."""
        group = self.started(groups, sized(spec, 2, balancer=balancer), token)
        assert group.balancers == (balancer,)
        assert targets(provider.load_balancing, balancer) == members(group)
        groups.set_desired(group.id, 1)
        settled = self.settled(groups, group.id)
        assert targets(provider.load_balancing, balancer) == members(settled)

    @proves("group_balancer")
    def test_a_deleted_group_leaves_its_balancer(
        self, provider: Provider, groups: Autoscaling, spec: ScalingGroupSpec, token: str, balancer: str
    ) -> None:
        """Which stays, without its members."""
        group = self.started(groups, sized(spec, 1, balancer=balancer), token)
        self.removed(groups, group.id)
        assert provider.load_balancing.wait(balancer, "active", timeout=self.patience).id == balancer
        assert targets(provider.load_balancing, balancer) == set()

    def test_an_absent_balancer_is_not_found(
        self, provider: Provider, groups: Autoscaling, spec: ScalingGroupSpec, token: str, absent_balancer: str
    ) -> None:
        """And no group is made for it."""
        need(provider, "group_balancer")
        with pytest.raises(NotFound):
            groups.create(changed(spec, balancer=absent_balancer), token=token)
        assert groups.list(spec.labels) == []

    @pytest.fixture
    def absent_balancer(self) -> str:
        """An id that no balancer has."""
        return "no-such-balancer"

    @pytest.fixture
    def balancer(self, provider: Provider, balancer_spec: LoadBalancerSpec, run: dict[str, str]) -> str:
        """The id of a balancer that is there, labelled as this test's."""
        need(provider, "load_balancing", "group_balancer")
        made = provider.load_balancing.create(labelled(balancer_spec, run), token=str(uuid4()))
        return provider.load_balancing.wait(made, "active", timeout=self.patience).id
