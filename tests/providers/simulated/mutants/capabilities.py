"""Mutants whose capabilities are not what they can do."""

from dataclasses import replace

from cloudlayer.errors import Conflict, RejectedSpec, Unsupported
from cloudlayer.interfaces import Capabilities
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.providers.simulated.provider import SimulatedProvider
from cloudlayer.runtime.simulated import SimulatedEngine
from tests.providers.simulated.mutants.base import Denying, breaks


@breaks("each_flag_is_declared")
class DeclaresLess(SimulatedProvider):
    @property
    def capabilities(self):
        found = super().capabilities
        return Capabilities(found.provider, {name: flag for name, flag in found.items.items() if name != "disks"})


@breaks("a_spec_that_asks_for_what_is_missing_is_unsupported")
class SellsWhatItLacks(Denying):
    denied = "user_data"


@breaks("a_call_that_is_missing_is_unsupported")
class DoesWhatItCannot(Denying):
    denied = "reboot"


@breaks("a_spec_that_asks_for_what_is_there_is_created")
class RefusesUserData(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        if any(spec.user_data for spec in specs):
            raise RejectedSpec("no user data", provider="simulated", code="NoUserData")
        return super().create_batch(specs, token=token, deadline=deadline)


@breaks("an_instance_is_bought_as_asked")
class BuysOnDemand(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        plain = [spec.model_copy(update={"purchase": "on_demand", "reservation": None}) for spec in specs]
        return super().create_batch(plain, token=token, deadline=deadline)


@breaks("public_address_is_given_where_asked_for")
class EverythingIsPublic(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        public = [spec.model_copy(update={"public_address": True}) for spec in specs]
        return super().create_batch(public, token=token, deadline=deadline)


@breaks("stop_start_stops_and_starts")
class StartsOnlyWhatIsStopped(SimulatedCompute):
    def start(self, id, *, deadline=None):
        if self.get(id).state == "running":
            raise Conflict("it runs", provider="simulated", code="WrongState")
        super().start(id, deadline=deadline)


@breaks("reboot_keeps_the_instance")
class RebootsForEver(SimulatedCompute):
    def reboot(self, id, *, deadline=None):
        self.delete([id])


@breaks("resize_changes_the_type_of_a_stopped_instance")
class KeepsTheType(SimulatedCompute):
    def resize(self, id, machine_type, *, deadline=None):
        self.get(id)


@breaks("console_log_is_text")
class LogsBytes(SimulatedCompute):
    def console_log(self, id, *, deadline=None):
        return super().console_log(id, deadline=deadline).encode()


@breaks("images_lead_from_names_to_ids")
class AnyNameIsAnImage(SimulatedCompute):
    def images(self, name=None, *, deadline=None):
        return super().images(name, deadline=deadline) or super().images(deadline=deadline)


@breaks("prices_are_known_for_something")
class KnowsNoPrice(SimulatedCompute):
    def offers(self, *, deadline=None):
        return [replace(offer, price=None) for offer in super().offers(deadline=deadline)]


@breaks("an_interface_that_is_missing_is_unsupported")
class HasNoReason(SimulatedProvider):
    @property
    def storage(self):
        raise Unsupported("no", provider="simulated")


@breaks("an_engine_that_is_missing_is_unsupported")
class RunsAnyEngine(SimulatedProvider):
    def engine(self, name, instance):
        return SimulatedEngine(self.world, instance.id)


@breaks("check_finds_nothing_wrong")
class FindsFault(SimulatedProvider):
    def check(self):
        return ["simulated: something is wrong"]
