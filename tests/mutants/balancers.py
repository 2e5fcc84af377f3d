"""Mutants that break what balancers promise."""

from contextlib import suppress
from dataclasses import replace

from cloudlayer.errors import Conflict, NotFound
from cloudlayer.providers.simulated.autoscaling import SimulatedAutoscaling
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.providers.simulated.load_balancing import SimulatedLoadBalancing
from cloudlayer.resources import TargetSpec
from cloudlayer.testing import LoadBalancingConformance
from tests.mutants.base import Denying, breaks


@breaks("an_active_balancer_has_an_address_and_its_listeners")
class HasNoAddress(SimulatedLoadBalancing):
    def get(self, id, *, deadline=None):
        return replace(super().get(id, deadline=deadline), address=None)


@breaks("an_active_balancer_has_an_address_and_its_listeners")
class HasOneListener(SimulatedLoadBalancing):
    def create(self, spec, *, token, deadline=None):
        return super().create(spec.model_copy(update={"listeners": spec.listeners[:1]}), token=token, deadline=deadline)


@breaks("a_balancer_that_asks_for_what_is_there_is_made")
class ListensToTcpAlone(SimulatedLoadBalancing):
    def create(self, spec, *, token, deadline=None):
        plain = [listener.model_copy(update={"protocol": "tcp", "certificate": None}) for listener in spec.listeners]
        return super().create(spec.model_copy(update={"listeners": tuple(plain)}), token=token, deadline=deadline)


@breaks("a_balancer_that_asks_for_what_is_missing_is_unsupported", LoadBalancingConformance)
class IsPublicAllTheSame(Denying):
    denied = "balancer_public"


class RegistersSome(SimulatedLoadBalancing):
    kinds = ("instance", "address", "group")

    def register(self, id, targets, *, deadline=None):
        some = [target for target in targets if any(getattr(target, kind) for kind in self.kinds)]
        super().register(id, some, deadline=deadline)


@breaks("an_instance_is_a_target_until_it_is_taken_out")
class RegistersNoInstances(RegistersSome):
    kinds = ("address", "group")


@breaks("an_address_is_a_target_until_it_is_taken_out")
class RegistersNoAddresses(RegistersSome):
    kinds = ("instance", "group")


@breaks("a_groups_members_are_targets_until_it_is_taken_out")
class RegistersTheMembersOfNow(SimulatedLoadBalancing):
    def register(self, id, targets, *, deadline=None):
        groups = SimulatedAutoscaling(self.capabilities, self.region, self._calls.simulation)
        members = [member.instance for target in targets if target.group for member in groups.get(target.group).members]
        super().register(id, [TargetSpec(instance=member) for member in members], deadline=deadline)


@breaks("targets_of_the_spec_are_there_from_the_start")
class ForgetsTheTargets(SimulatedLoadBalancing):
    def create(self, spec, *, token, deadline=None):
        return super().create(spec.model_copy(update={"targets": ()}), token=token, deadline=deadline)


@breaks("registering_twice_is_no_error")
class RegistersOnce(SimulatedLoadBalancing):
    def register(self, id, targets, *, deadline=None):
        if {target.id for target in targets} & {found.target for found in self.health(id)}:
            raise Conflict("it is there", provider="simulated", code="Duplicate")
        super().register(id, targets, deadline=deadline)


@breaks("an_unknown_target_is_not_found_and_none_is_added")
class RegistersOneByOne(SimulatedLoadBalancing):
    def register(self, id, targets, *, deadline=None):
        for target in targets:
            super().register(id, [target], deadline=deadline)


@breaks("an_unknown_target_is_not_found_and_none_is_added")
class IgnoresUnknownTargets(SimulatedLoadBalancing):
    def register(self, id, targets, *, deadline=None):
        with suppress(NotFound):
            super().register(id, targets, deadline=deadline)


@breaks("one_target_is_taken_out_and_the_other_stays")
class TakesAllOut(SimulatedLoadBalancing):
    def deregister(self, id, targets, *, deadline=None):
        everything = [TargetSpec(address=found.target) for found in self.health(id)]
        super().deregister(id, everything, deadline=deadline)


@breaks("taking_out_whose_time_is_up_goes_on_with_the_next_call")
class TakesOutWithAllTheTime(SimulatedLoadBalancing):
    def deregister(self, id, targets, *, deadline=None):
        super().deregister(id, targets)


@breaks("health_is_one_of_the_known_states")
class TellsEachTargetTwice(SimulatedLoadBalancing):
    def health(self, id, *, deadline=None):
        return [*super().health(id, deadline=deadline)] * 2


@breaks("health_is_one_of_the_known_states")
class InventsAState(SimulatedLoadBalancing):
    def health(self, id, *, deadline=None):
        return [replace(found, state="fine") for found in super().health(id, deadline=deadline)]


@breaks("a_deleted_balancer_leaves_its_targets")
class DeletesItsTargets(SimulatedLoadBalancing):
    def delete(self, id, *, deadline=None):
        with suppress(NotFound):
            doomed = [found.target for found in self.health(id)]
            SimulatedCompute(self.capabilities, self.region, self._calls.simulation).delete(doomed)
        super().delete(id, deadline=deadline)


@breaks("calls_on_an_absent_balancer_are_not_found")
class KnowsNoTargetsOfWhatIsNotThere(SimulatedLoadBalancing):
    def health(self, id, *, deadline=None):
        try:
            return super().health(id, deadline=deadline)
        except NotFound:
            return []
