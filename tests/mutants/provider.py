"""Mutants that break what a provider promises as a whole."""

from contextlib import suppress
from dataclasses import replace

from cloudlayer.errors import CloudError
from cloudlayer.interfaces import Capabilities
from cloudlayer.providers.simulated import pieces
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.providers.simulated.provider import SimulatedProvider
from cloudlayer.resources import Quota
from cloudlayer.runtime.simulated import SimulatedEngine
from tests.mutants.base import Denying, Untidy, breaks, calling


@breaks("each_flag_is_declared")
class DeclaresLess(SimulatedProvider):
    @property
    def capabilities(self):
        found = super().capabilities
        return Capabilities(found.provider, {name: flag for name, flag in found.items.items() if name != "volume_grow"})


@breaks("an_engine_is_declared_with_what_it_can_do")
class DeclaresNoEngines(SimulatedProvider):
    @property
    def capabilities(self):
        found = super().capabilities
        return Capabilities(found.provider, {name: flag for name, flag in found.items.items() if "engine" not in name})


@breaks("it_is_a_provider_of_one_region")
class IsNowhere(SimulatedProvider):
    @property
    def region(self):
        return ""


@breaks("an_interface_that_is_missing_is_unsupported")
class HasWhatItLacks(Denying):
    denied = "load_balancing"


@breaks("an_engine_that_is_missing_is_unsupported")
class RunsAnyEngine(SimulatedProvider):
    def engine(self, name, instance):
        return SimulatedEngine(self.world, instance.id)


@breaks("check_finds_nothing_wrong")
class FindsFault(SimulatedProvider):
    def check(self):
        return ["simulated: something is wrong"]


@breaks("check_tells_what_is_wrong")
class FindsNoFault(SimulatedProvider):
    def check(self):
        return []


@breaks("check_tells_what_is_wrong")
class StumblesOverAFault(SimulatedProvider):
    def check(self):
        self.compute.list()
        return []


@breaks("quotas_are_limits_with_their_use")
class HasANamelessQuota(SimulatedProvider):
    def quotas(self, *, deadline=None):
        return [Quota("", 1)]


@breaks("leftovers_that_cannot_be_asked_for_are_an_error")
class FailedLeftoversAreNone(SimulatedProvider):
    def leftovers(self, labels, *, deadline=None):
        with suppress(CloudError):
            return super().leftovers(labels, deadline=deadline)
        return []


@breaks("leftovers_are_told_and_deleted")
class KeepsLeftovers(SimulatedProvider):
    def delete_leftover(self, leftover, *, deadline=None):
        pass


@breaks("leftovers_are_told_and_deleted")
class TellsLeftoversWithoutLabels(SimulatedProvider):
    def leftovers(self, labels, *, deadline=None):
        return [replace(leftover, labels={}) for leftover in super().leftovers(labels, deadline=deadline)]


@breaks("leftovers_of_others_are_not_told")
class TellsLeftoversOfOthers(SimulatedProvider):
    def leftovers(self, labels, *, deadline=None):
        return super().leftovers(dict([*labels.items()][:1]), deadline=deadline)


@breaks("leftovers_are_whole_whatever_the_pages")
class TellsOnePageOfLeftovers(SimulatedProvider):
    def leftovers(self, labels, *, deadline=None):
        return super().leftovers(labels, deadline=deadline)[: self.world.settings.page_size]


@breaks("what_is_in_use_is_no_leftover")
class TellsWhatIsInUse(SimulatedProvider):
    def leftovers(self, labels, *, deadline=None):
        document, _ = self.world.look()
        return [pieces.leftover(record) for record in document["pieces"].values() if labels.items() <= record["labels"].items()]


class UntidyCompute(calling(Untidy), SimulatedCompute):
    pass


@breaks("a_deleted_instance_leaves_nothing")
class LeavesFirewalls(SimulatedProvider):
    def __init__(self, region, world):
        super().__init__(region, world)
        self._compute = UntidyCompute(self.capabilities, region, world)

    def leftovers(self, labels, *, deadline=None):
        return []
