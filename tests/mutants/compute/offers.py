"""Mutants that break what offers promise."""

from dataclasses import replace

from cloudlayer.providers.simulated import limits
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.testing import ComputeConformance
from tests.mutants.base import REGION, Denying, breaks


@breaks("offers_are_of_this_provider_and_region")
class SellsElsewhere(SimulatedCompute):
    def offers(self, *, deadline=None):
        return [replace(offer, region="sim-west") for offer in super().offers(deadline=deadline)]


@breaks("offers_are_of_this_provider_and_region")
class OffersTwice(SimulatedCompute):
    def offers(self, *, deadline=None):
        return super().offers(deadline=deadline) * 2


@breaks("figures_are_those_that_can_be_used")
class PromisesMoreThanThereIs(SimulatedCompute):
    def offers(self, *, deadline=None):
        found = super().offers(deadline=deadline)
        types = [replace(offer.machine_type, allocatable_memory=offer.machine_type.memory + 1) for offer in found]
        return [replace(offer, machine_type=type_) for offer, type_ in zip(found, types, strict=True)]


@breaks("prices_tell_their_source_and_date")
class PricesFromNowhere(SimulatedCompute):
    def offers(self, *, deadline=None):
        found = super().offers(deadline=deadline)
        return [replace(offer, price=offer.price and replace(offer.price, source="")) for offer in found]


@breaks("offers_are_whole_whatever_the_pages")
class ReadsOnePageOfOffers(SimulatedCompute):
    def offers(self, *, deadline=None):
        return self._call(
            "offers",
            REGION,
            lambda document, now: limits.on_sale(document, REGION)[: document["settings"]["page_size"]],
            deadline,
        )


@breaks("every_way_of_buying_on_offer_is_a_capability", ComputeConformance)
class OffersWhatItLacks(Denying):
    denied = "spot"


@breaks("figures_buy_the_cheapest_type_that_has_them")
class BuysTheDearest(SimulatedCompute):
    def create_batch(self, specs, *, token, deadline=None):
        dear = [spec.model_copy(update={"machine_type": "cpu-32"}) for spec in specs]
        return super().create_batch(dear, token=token, deadline=deadline)
