"""Mutants that take one error for another."""

from cloudlayer.errors import AvoidScope, CapacityError, CloudError, UnknownCloudError
from cloudlayer.providers.simulated.compute import SimulatedCompute
from tests.mutants.base import Blunt, breaks, calling


@breaks("a_fault_gives_its_exact_error")
class UnknownIsNoCapacity(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        try:
            return super().create_batch(specs, token=token, deadline=deadline)
        except UnknownCloudError as error:
            raise CapacityError("none left", scope=AvoidScope.REGION, provider="simulated", code=error.code) from error


@breaks("a_lack_is_an_answer_that_says_what_to_avoid")
class AvoidsNothing(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        answers = super().create_batch(specs, token=token, deadline=deadline)
        for answer in answers:
            if isinstance(answer, CloudError):
                answer.avoid = None
        return answers


@breaks("a_fault_of_the_whole_call_is_raised_for_a_batch")
class EveryFaultIsAnAnswer(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        try:
            return super().create_batch(specs, token=token, deadline=deadline)
        except CloudError as error:
            return [error] * len(specs)


@breaks("a_passing_fault_is_tried_again")
class TriesOnce(calling(Blunt), SimulatedCompute):
    pass


@breaks("a_list_that_fails_is_an_error_and_not_empty")
class FailedListsAreEmpty(SimulatedCompute):
    def list(self, labels=None, *, deadline=None):
        try:
            return super().list(labels, deadline=deadline)
        except CloudError:
            return []


@breaks("a_token_whose_launch_failed_may_launch_later")
class RemembersFailures(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        failed = self.__dict__.setdefault("failed", {})
        if token not in failed:
            failed[token] = super().create_batch(specs, token=token, deadline=deadline)
        return failed[token]
