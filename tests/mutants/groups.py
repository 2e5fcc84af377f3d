"""Mutants that break what groups promise."""

from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, RejectedSpec, Throttled, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.simulated.autoscaling import SimulatedAutoscaling
from cloudlayer.providers.simulated.load_balancing import SimulatedLoadBalancing
from cloudlayer.resources import ScheduledSize
from cloudlayer.testing import AutoscalingConformance
from tests.mutants.base import Denying, breaks


def changing(change):
    """A driver that creates what `change` makes of a spec."""

    class Changing(SimulatedAutoscaling):
        def create(self, spec, *, token, deadline=None):
            return super().create(spec.model_copy(update=change(spec)), token=token, deadline=deadline)

    return Changing


@breaks("a_group_starts_with_the_members_that_are_desired")
class StartsWithTheLeast(changing(lambda spec: {"desired": None})):
    pass


@breaks("without_a_size_a_group_starts_with_the_least")
class StartsWithTheMost(changing(lambda spec: {"desired": spec.max})):
    pass


@breaks("members_carry_the_labels_of_group_and_template")
class ForgetsTheTemplatesLabels(changing(lambda spec: {"template": spec.template.model_copy(update={"labels": {}})})):
    pass


@breaks("members_are_in_the_groups_zones")
class StaysInOneZone(changing(lambda spec: {"zones": spec.zones[:1]})):
    pass


@breaks("members_are_targets_of_the_groups_balancer")
class ForgetsTheBalancer(changing(lambda spec: {"balancer": None})):
    pass


@breaks("a_group_grows_and_shrinks")
class KeepsItsSize(SimulatedAutoscaling):
    def set_desired(self, id, size, *, deadline=None):
        self.get(id, deadline=deadline)


@breaks("a_group_grows_and_shrinks")
class GrowsAndNeverShrinks(SimulatedAutoscaling):
    def set_desired(self, id, size, *, deadline=None):
        super().set_desired(id, max(size, self.get(id).desired), deadline=deadline)


@breaks("a_size_outside_of_the_bounds_is_refused")
class TakesTheNearestSize(SimulatedAutoscaling):
    def set_desired(self, id, size, *, deadline=None):
        group = self.get(id)
        super().set_desired(id, min(max(size, group.min), group.max), deadline=deadline)


@breaks("a_size_is_taken_while_the_group_is_busy")
class IsTooBusy(SimulatedAutoscaling):
    def set_desired(self, id, size, *, deadline=None):
        if self.get(id).state == "active":
            super().set_desired(id, size, deadline=deadline)


@breaks("a_group_whose_member_is_gone_does_not_count_it")
class CountsTheDead(SimulatedAutoscaling):
    def get(self, id, *, deadline=None):
        found = super().get(id, deadline=deadline)
        seen = self.__dict__.setdefault("seen", {})
        return seen.setdefault(id, found) if found.state == "active" else seen.get(id, found)


@breaks("a_group_that_finds_no_room_says_so")
class SaysNothing(SimulatedAutoscaling):
    def get(self, id, *, deadline=None):
        return replace(super().get(id, deadline=deadline), reason=None)


@breaks("a_group_that_finds_no_room_says_so")
class IsActiveAnyhow(SimulatedAutoscaling):
    def get(self, id, *, deadline=None):
        found = super().get(id, deadline=deadline)
        return replace(found, state=type(found.state)("active"))


@breaks("a_list_shows_the_members")
class ListsWithoutMembers(SimulatedAutoscaling):
    def list(self, labels=None, *, deadline=None):
        return [replace(group, members=()) for group in super().list(labels, deadline=deadline)]


@breaks("calls_on_an_absent_group_are_not_found")
class SizesWhatIsNotThere(SimulatedAutoscaling):
    def set_desired(self, id, size, *, deadline=None):
        with suppress(NotFound):
            super().set_desired(id, size, deadline=deadline)


@breaks("an_update_keeps_the_size_within_the_new_bounds")
class ResizesOnUpdate(SimulatedAutoscaling):
    def update(self, id, spec, *, deadline=None):
        size = spec.min if spec.desired is None else spec.desired
        return super().update(id, spec.model_copy(update={"desired": size}), deadline=deadline)


@breaks("an_update_without_a_change_replaces_nobody")
class ReplacesOnEveryUpdate(SimulatedAutoscaling):
    def update(self, id, spec, *, deadline=None):
        template = spec.template.model_copy(update={"labels": {**spec.template.labels, "update": str(uuid4())}})
        return super().update(id, spec.model_copy(update={"template": template}), deadline=deadline)


@breaks("a_changed_template_replaces_every_member")
class KeepsTheTemplate(SimulatedAutoscaling):
    def create(self, spec, *, token, deadline=None):
        self.template = spec.template
        return super().create(spec, token=token, deadline=deadline)

    def update(self, id, spec, *, deadline=None):
        return super().update(id, spec.model_copy(update={"template": self.template}), deadline=deadline)


@breaks("an_update_cannot_change_the_name")
class IgnoresANewName(SimulatedAutoscaling):
    def update(self, id, spec, *, deadline=None):
        try:
            return super().update(id, spec, deadline=deadline)
        except Conflict:
            return self.get(id)


@breaks("an_update_changes_labels")
class KeepsItsLabels(SimulatedAutoscaling):
    def create(self, spec, *, token, deadline=None):
        self.labels = spec.labels
        return super().create(spec, token=token, deadline=deadline)

    def update(self, id, spec, *, deadline=None):
        return super().update(id, spec.model_copy(update={"labels": self.labels}), deadline=deadline)


@breaks("a_step_changes_the_size")
class StepsUpAlone(SimulatedAutoscaling):
    def execute(self, id, policy, *, deadline=None):
        self.set_desired(id, self.get(id).desired + 1)


class LosesSteps(SimulatedAutoscaling):
    def execute(self, id, policy, *, deadline=None):
        with suppress(Throttled, TransientError):
            super().execute(id, policy, deadline=Deadline.after(0.05))


@breaks("a_cooldown_is_waited_out")
class LosesStepsInACooldown(LosesSteps):
    pass


@breaks("no_step_is_lost_in_a_long_cooldown")
class LosesStepsInALongCooldown(LosesSteps):
    pass


@breaks("no_step_is_lost_in_a_long_cooldown")
class DoesNotSayWhen(SimulatedAutoscaling):
    def execute(self, id, policy, *, deadline=None):
        try:
            super().execute(id, policy, deadline=deadline)
        except Throttled as error:
            error.retry_after = None
            raise


@breaks("an_unknown_policy_is_not_found")
class ExecutesAnything(SimulatedAutoscaling):
    def execute(self, id, policy, *, deadline=None):
        with suppress(NotFound):
            super().execute(id, policy, deadline=deadline)


@breaks("a_group_that_asks_for_what_is_missing_is_unsupported", AutoscalingConformance)
class SchedulesWhatItCannot(Denying):
    denied = "group_scheduled"


@breaks("a_group_that_asks_for_what_is_there_is_made")
class RefusesSchedules(SimulatedAutoscaling):
    def create(self, spec, *, token, deadline=None):
        if any(isinstance(policy, ScheduledSize) for policy in spec.policies):
            raise RejectedSpec("no schedules", provider="simulated", code="NoSchedules")
        return super().create(spec, token=token, deadline=deadline)


@breaks("a_deleted_group_leaves_its_balancer")
class DeletesItsBalancer(SimulatedAutoscaling):
    def delete(self, id, *, deadline=None):
        with suppress(NotFound):
            for balancer in self.get(id).balancers:
                SimulatedLoadBalancing(self.capabilities, self.region, self._calls.simulation).delete(balancer)
        super().delete(id, deadline=deadline)


@breaks("an_absent_balancer_is_not_found")
class DoesWithoutABalancer(SimulatedAutoscaling):
    def create(self, spec, *, token, deadline=None):
        try:
            return super().create(spec, token=token, deadline=deadline)
        except (NotFound, InvalidSpec):
            return super().create(spec.model_copy(update={"balancer": None}), token=str(uuid4()), deadline=deadline)
