"""What `offers` promises, and what choosing by figures makes of it."""

from __future__ import annotations

from cloudlayer.interfaces import Compute, Provider
from cloudlayer.resources import InstanceSpec, Offer
from cloudlayer.testing.base import changed
from cloudlayer.testing.compute.base import InstancePromises
from cloudlayer.testing.faults import Faults
from cloudlayer.units import MIB


class OfferPromises(InstancePromises):
    """Offers are whole, of this region, and honest about what is not known."""

    def test_offers_are_of_this_provider_and_region(self, provider: Provider, compute: Compute) -> None:
        """And each is there once."""
        offers = compute.offers()
        assert offers
        assert {(offer.provider, offer.region) for offer in offers} == {(provider.name, provider.region)}
        assert len({offer.id for offer in offers}) == len(offers)

    def test_figures_are_those_that_can_be_used(self, compute: Compute) -> None:
        """Never more than nominal, never nothing."""
        for kind in {offer.machine_type for offer in compute.offers()}:
            assert 0 < kind.usable_cpu <= kind.cpu
            assert 0 < kind.usable_memory <= kind.memory
            assert kind.architecture in ("x86_64", "arm64")
            assert all(device.model and device.memory > 0 for device in kind.accelerators)

    def test_prices_tell_their_source_and_date(self, compute: Compute) -> None:
        """A price that is unknown is None."""
        for offer in compute.offers():
            assert offer.price is None or (offer.price.amount >= 0 and offer.price.source and offer.price.as_of)

    def test_offers_are_whole_whatever_the_pages(self, compute: Compute, faults: Faults) -> None:
        """The smallest pages hide none."""
        large = {offer.id for offer in compute.offers()}
        faults.smallest_pages()
        assert {offer.id for offer in compute.offers()} == large

    def test_every_way_of_buying_on_offer_is_a_capability(self, provider: Provider, compute: Compute) -> None:
        """And the other way about for buying on demand."""
        purchases = {offer.purchase for offer in compute.offers()}
        assert all(provider.capabilities[purchase] for purchase in purchases)
        assert not provider.capabilities["on_demand"] or "on_demand" in purchases

    def test_figures_buy_the_cheapest_type_that_has_them(self, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """Among offers whose price is known."""
        architecture = compute.offers()[0].machine_type.architecture
        figures = {"cpu": 0.5, "memory": 256 * MIB, "architecture": architecture}
        wanted = changed(spec, machine_type=None, zone=None, purchase="on_demand", **figures)
        bought = compute.create(wanted, token=token).machine_type
        fitting = [offer for offer in compute.offers() if _fits(offer, wanted)]
        assert bought in {offer.machine_type.name for offer in fitting}
        known = [offer for offer in fitting if offer.price is not None]
        cheapest = min((offer.price.amount for offer in known if offer.price), default=None)
        paid = [offer.price.amount for offer in known if offer.price and offer.machine_type.name == bought]
        assert cheapest is None or min(paid) == cheapest


def _fits(offer: Offer, spec: InstanceSpec) -> bool:
    kind = offer.machine_type
    wide = kind.cpu >= (spec.cpu or 0) and kind.memory >= (spec.memory or 0)
    return wide and offer.purchase == spec.purchase and kind.architecture == spec.architecture
