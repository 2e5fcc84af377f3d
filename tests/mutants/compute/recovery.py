"""Mutants that do not get over a create that breaks on the way."""

from uuid import uuid4

from cloudlayer.errors import TransientError
from cloudlayer.providers.base.attempts import derive
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.testing import ComputeConformance
from tests.mutants.base import Blunt, breaks, calling
from tests.mutants.making import TellsNoLeftovers


@breaks("a_lost_answer_leaves_what_an_undisturbed_create_does")
class LaunchesBlindlyAgain(calling(Blunt), SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        try:
            return super().create_batch(specs, token=token, deadline=deadline)
        except TransientError:
            return super().create_batch(specs, token=str(uuid4()), deadline=deadline)


@breaks("a_create_that_breaks_off_anywhere_is_completed_by_the_same_create")
class OpensAnotherFirewall(calling(Blunt), SimulatedCompute):
    """Starts over with other names, those of the last try forgotten."""

    def create_batch(self, specs, *, token, deadline=None):
        tries = self.__dict__.setdefault("tries", {})
        try:
            return super().create_batch(specs, token=derive(token, tries.get(token, 0)), deadline=deadline)
        except TransientError:
            tries[token] = tries.get(token, 0) + 1
            raise


@breaks("a_create_that_is_given_up_leaves_nothing_that_is_not_told", ComputeConformance)
class TellsNoFirewalls(TellsNoLeftovers):
    pass
