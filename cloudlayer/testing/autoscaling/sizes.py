"""What a group promises of its members and their number."""

from __future__ import annotations

import pytest

from cloudlayer.errors import CapacityError, CloudError, InvalidSpec, NotFound, TransientError
from cloudlayer.interfaces import Autoscaling, Compute
from cloudlayer.labels import TOKEN
from cloudlayer.resources import ScalingGroupSpec, ScalingGroupState
from cloudlayer.testing.autoscaling.base import GroupPromises, healthy, members, sized
from cloudlayer.testing.base import alive, changed, labelled
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.faults import Faults


class SizePromises(GroupPromises):
    """As many members as are desired, within the bounds, all of them labelled."""

    @proves("autoscaling")
    def test_a_group_starts_with_the_members_that_are_desired(
        self, groups: Autoscaling, spec: ScalingGroupSpec, token: str
    ) -> None:
        """Each of them runs in a zone and is healthy; the group says its bounds."""
        group = self.started(groups, sized(spec, 2, min=1), token)
        assert (group.min, group.desired, group.max) == (1, 2, 3)
        assert len(members(group)) == len(group.members) == 2
        assert all(member.healthy and member.zone and member.state == "running" for member in group.members)

    def test_without_a_size_a_group_starts_with_the_least(
        self, groups: Autoscaling, spec: ScalingGroupSpec, token: str
    ) -> None:
        """That is, with `min`."""
        group = self.started(groups, changed(spec, min=1, desired=None), token)
        assert (group.desired, len(members(group))) == (1, 1)

    @proves("labels")
    def test_members_carry_the_labels_of_group_and_template(
        self, groups: Autoscaling, compute: Compute, spec: ScalingGroupSpec, token: str
    ) -> None:
        """And the token, so that whoever finds a member knows what it is of."""
        template = labelled(spec.template, {"of": "template"})
        group = self.started(groups, sized(spec, 1, template=template), token)
        (found,) = alive(compute, {**spec.labels, "of": "template", TOKEN: token})
        assert {found.id} == members(group)
        assert group.labels.items() >= spec.labels.items()

    @proves("autoscaling")
    def test_a_group_grows_and_shrinks(self, groups: Autoscaling, compute: Compute, spec: ScalingGroupSpec, token: str) -> None:
        """To the number that is asked for, and none of those that are left is another."""
        first = self.started(groups, sized(spec, 1), token)
        groups.set_desired(first.id, 2)
        grown = self.settled(groups, first.id)
        assert (grown.desired, len(members(grown))) == (2, 2)
        assert members(grown) > members(first)
        groups.set_desired(first.id, 0)
        assert members(self.settled(groups, first.id)) == set()
        for instance in members(grown):
            compute.wait(instance, "deleted", timeout=self.patience)

    def test_a_size_outside_of_the_bounds_is_refused(self, groups: Autoscaling, spec: ScalingGroupSpec, token: str) -> None:
        """On either side, and changes nothing."""
        group = self.started(groups, sized(spec, 1, min=1), token)
        for size in (0, 4):
            with pytest.raises(InvalidSpec):
                groups.set_desired(group.id, size)
        assert self.settled(groups, group.id).desired == 1

    def test_a_size_is_taken_while_the_group_is_busy(self, groups: Autoscaling, spec: ScalingGroupSpec, token: str) -> None:
        """An earlier change is waited for; the last size is what comes of it."""
        group = groups.create(sized(spec, 1), token=token)
        for size in (0, 2):
            groups.set_desired(group.id, size)
        settled = self.settled(groups, group.id)
        assert (settled.desired, len(members(settled))) == (2, 2)

    def test_a_group_whose_member_is_gone_does_not_count_it(
        self, groups: Autoscaling, compute: Compute, spec: ScalingGroupSpec, token: str
    ) -> None:
        """It is not healthy, and the group is active only with another one in its place."""
        group = self.started(groups, sized(spec, 1), token)
        (lost,) = members(group)
        compute.delete([lost])
        compute.wait(lost, "deleted", timeout=self.patience)
        after = groups.get(group.id)
        assert lost not in healthy(after)
        assert after.state != "active" or len(set(healthy(after))) == 1

    def test_a_group_that_finds_no_room_says_so(
        self, groups: Autoscaling, spec: ScalingGroupSpec, token: str, faults: Faults
    ) -> None:
        """It is not active, and its reason is the cloud's; a wait for it ends with that or with its time."""
        faults.lack_capacity()
        group = groups.create(sized(spec, 1), token=token)
        with pytest.raises(CloudError) as caught:
            groups.wait(group, "active", timeout=self.fruitless)
        assert isinstance(caught.value, CapacityError | TransientError)
        found = groups.get(group.id)
        assert found.state != ScalingGroupState.ACTIVE
        assert found.reason
        assert members(found) == set()

    def test_a_list_shows_the_members(self, groups: Autoscaling, spec: ScalingGroupSpec, token: str) -> None:
        """As get does."""
        group = self.started(groups, sized(spec, 1), token)
        (listed,) = (found for found in groups.list(spec.labels) if found.id == group.id)
        assert (members(listed), listed.min, listed.max, listed.desired) == (members(group), 0, 3, 1)

    def test_calls_on_an_absent_group_are_not_found(self, groups: Autoscaling, spec: ScalingGroupSpec, absent_id: str) -> None:
        """And make none."""
        with pytest.raises(NotFound):
            groups.set_desired(absent_id, 1)
        with pytest.raises(NotFound):
            groups.update(absent_id, spec)
        assert groups.list(spec.labels) == []
