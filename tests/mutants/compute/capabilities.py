"""Mutants whose capabilities are not what they can do."""

from dataclasses import replace

from cloudlayer.errors import Conflict, RejectedSpec
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.testing import ComputeConformance
from tests.mutants.base import Denying, breaks


@breaks("a_spec_that_asks_for_what_is_missing_is_unsupported", ComputeConformance)
class SellsWhatItLacks(Denying):
    denied = "user_data"


@breaks("a_call_that_is_missing_is_unsupported", ComputeConformance)
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
