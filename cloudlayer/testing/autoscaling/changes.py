"""What `update` and `execute` promise."""

from __future__ import annotations

import pytest

from cloudlayer.errors import Conflict, NotFound, Throttled
from cloudlayer.interfaces import Autoscaling, Deadline, Provider
from cloudlayer.resources import ScalingGroupSpec
from cloudlayer.testing.autoscaling.base import GroupPromises, members, sized, step
from cloudlayer.testing.base import changed, labelled
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.skips import need


class ChangePromises(GroupPromises):
    """An update changes what is different and nothing else; no step is lost in silence."""

    def test_an_update_keeps_the_size_within_the_new_bounds(
        self, groups: Autoscaling, spec: ScalingGroupSpec, token: str
    ) -> None:
        """Without a size of its own it keeps what is desired, as far as the bounds allow."""
        group = self.started(groups, sized(spec, 1), token)
        groups.update(group.id, changed(spec, max=4, desired=None))
        kept = self.settled(groups, group.id)
        assert (kept.min, kept.desired, kept.max) == (0, 1, 4)
        groups.update(group.id, changed(spec, min=2, max=4, desired=None))
        raised = self.settled(groups, group.id)
        assert (raised.desired, len(members(raised))) == (2, 2)
        assert members(raised) > members(group)

    def test_an_update_without_a_change_replaces_nobody(self, groups: Autoscaling, spec: ScalingGroupSpec, token: str) -> None:
        """Nor does it change the size."""
        group = self.started(groups, sized(spec, 1), token)
        groups.update(group.id, sized(spec, 1))
        settled = self.settled(groups, group.id)
        assert (members(settled), settled.desired) == (members(group), 1)

    @proves("group_replace")
    def test_a_changed_template_replaces_every_member(
        self, provider: Provider, groups: Autoscaling, spec: ScalingGroupSpec, token: str
    ) -> None:
        """The group is active again only when all are of the new one, and as many as before."""
        need(provider, "group_replace")
        group = self.started(groups, sized(spec, 2), token)
        newer = labelled(spec.template, {"template": "newer"})
        groups.update(group.id, sized(spec, 2, template=newer))
        settled = self.settled(groups, group.id)
        assert len(members(settled)) == 2
        assert members(settled).isdisjoint(members(group))
        for instance in members(settled):
            assert provider.compute.get(instance).labels.items() >= newer.labels.items()

    def test_an_update_cannot_change_the_name(self, groups: Autoscaling, spec: ScalingGroupSpec, token: str) -> None:
        """That would be another group."""
        group = self.started(groups, spec, token)
        with pytest.raises(Conflict):
            groups.update(group.id, changed(spec, name="another"))
        assert groups.get(group.id).name == spec.name

    def test_an_update_changes_labels(self, groups: Autoscaling, spec: ScalingGroupSpec, token: str) -> None:
        """Those of the group that is found by them."""
        group = self.started(groups, spec, token)
        groups.update(group.id, labelled(spec, {"since": "update"}))
        self.settled(groups, group.id)
        assert [found.id for found in groups.list({**spec.labels, "since": "update"})] == [group.id]

    @proves("group_step")
    def test_a_step_changes_the_size(self, provider: Provider, groups: Autoscaling, spec: ScalingGroupSpec, token: str) -> None:
        """By its change, up and down, each by its own name."""
        need(provider, "group_step")
        policies = [step("up"), step("down", -1)]
        group = self.started(groups, sized(spec, 1, policies=policies), token)
        groups.execute(group.id, "up")
        assert len(members(self.settled(groups, group.id))) == 2
        groups.execute(group.id, "down")
        settled = self.settled(groups, group.id)
        assert (settled.desired, len(members(settled))) == (1, 1)

    @proves("group_step")
    def test_a_cooldown_is_waited_out(
        self, provider: Provider, groups: Autoscaling, spec: ScalingGroupSpec, token: str
    ) -> None:
        """Two steps one right after the other are two steps."""
        need(provider, "group_step")
        group = self.started(groups, sized(spec, 0, policies=[step("up", cooldown=2)]), token)
        for _ in range(2):
            groups.execute(group.id, "up")
        settled = self.settled(groups, group.id)
        assert (settled.desired, len(members(settled))) == (2, 2)

    @proves("group_step")
    def test_no_step_is_lost_in_a_long_cooldown(
        self, provider: Provider, groups: Autoscaling, spec: ScalingGroupSpec, token: str
    ) -> None:
        """It is taken, or the caller is told when to come again; what is told is what happened."""
        need(provider, "group_step")
        group = self.started(groups, sized(spec, 0, policies=[step("up", cooldown=600)]), token)
        groups.execute(group.id, "up")
        self.settled(groups, group.id)
        taken = 1
        try:
            groups.execute(group.id, "up", deadline=Deadline.after(2))
            taken += 1
        except Throttled as error:
            assert error.retry_after is not None
            assert 0 < error.retry_after <= 600
        settled = self.settled(groups, group.id)
        assert (settled.desired, len(members(settled))) == (taken, taken)

    def test_an_unknown_policy_is_not_found(
        self, provider: Provider, groups: Autoscaling, spec: ScalingGroupSpec, token: str, absent_id: str
    ) -> None:
        """Nor is one of a group that is not there; the size stays."""
        need(provider, "group_step")
        group = self.started(groups, sized(spec, 0, policies=[step("up")]), token)
        with pytest.raises(NotFound):
            groups.execute(group.id, "no-such-step")
        with pytest.raises(NotFound):
            groups.execute(absent_id, "up")
        assert groups.get(group.id).desired == 0
