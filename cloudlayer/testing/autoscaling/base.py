"""The fixtures of Autoscaling's promises."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from cloudlayer.interfaces import Autoscaling, Provider
from cloudlayer.resources import InstanceSpec, ScalingGroup, ScalingGroupSpec, StepPolicy
from cloudlayer.testing.base import changed, labelled
from cloudlayer.testing.faults import Kind
from cloudlayer.testing.things.base import ThingPromises


class GroupPromises(ThingPromises):
    """`spec` is a group without members, which is quick to make; `sized` gives it some."""

    kind: Kind = "group"
    capability = "autoscaling"
    interface = "autoscaling"
    ready = "active"
    makes = ("group", "balancer", "instance")

    fruitless: float = 30.0
    """For how many seconds a group for which there is no room is waited for, that is how long the cloud may take to say so."""

    @pytest.fixture
    def group_spec(self, base_spec: InstanceSpec) -> ScalingGroupSpec:
        """A group of `base_spec`, of which three members fit at a time. Its bounds are the tests' own."""
        return ScalingGroupSpec(name="conformance", template=changed(base_spec, name=None, zone=None), max=3)

    @pytest.fixture
    def spec(self, group_spec: ScalingGroupSpec, run: dict[str, str]) -> ScalingGroupSpec:
        """`group_spec`, labelled as this test's, without members."""
        return changed(labelled(group_spec, run), min=0, max=3, desired=0)

    @pytest.fixture
    def absent_id(self) -> str:
        """An id that no group has."""
        return "no-such-group"

    @pytest.fixture
    def things(self, provider: Provider) -> Autoscaling:
        """What is tested, under the name that it has among like interfaces."""
        return provider.autoscaling

    @pytest.fixture
    def groups(self, provider: Provider) -> Autoscaling:
        """What is tested."""
        return provider.autoscaling

    def altered(self, spec: ScalingGroupSpec) -> ScalingGroupSpec:
        """With another bound."""
        return changed(spec, max=spec.max + 1)

    def whole(self, provider: Provider, spec: ScalingGroupSpec) -> ScalingGroupSpec:
        """With a member and, where it can be, a step policy."""
        return changed(spec, desired=1, policies=[step("up")] if provider.capabilities["group_step"] else [])

    def settled(self, groups: Autoscaling, id: str) -> ScalingGroup:
        """The group once it is what was asked for."""
        return groups.wait(id, "active", timeout=self.patience)

    def started(self, groups: Autoscaling, spec: ScalingGroupSpec, token: str) -> ScalingGroup:
        """A group of this spec, with its members."""
        return self.settled(groups, groups.create(spec, token=token).id)


def sized(spec: ScalingGroupSpec, desired: int, **fields: Any) -> ScalingGroupSpec:
    """The group with so many members."""
    return changed(spec, desired=desired, **fields)


def step(name: str, change: int = 1, cooldown: float = 1.0) -> StepPolicy:
    """A step that is taken when it is executed."""
    return StepPolicy(name=name, change=change, cooldown=cooldown)


def members(group: ScalingGroup) -> set[str]:
    """The ids of the group's instances that are not gone."""
    return {member.instance for member in group.members if not member.state.gone}


def healthy(group: ScalingGroup) -> Iterable[str]:
    """The ids of those that are well."""
    return {member.instance for member in group.members if member.healthy}
