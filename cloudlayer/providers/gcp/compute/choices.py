"""What a spec leaves open, and how it is chosen: the machine type, the zones to try, the image, the reservation."""

from __future__ import annotations

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.selection import cheapest
from cloudlayer.providers.gcp.compute.catalogue import Catalogue, Sold
from cloudlayer.providers.gcp.compute.images import Images
from cloudlayer.providers.gcp.compute.properties import Choice
from cloudlayer.resources import InstanceSpec, Offer


class Choices:
    """Chooses, for single instances and for the templates of groups alike."""

    def __init__(self, catalogue: Catalogue, images: Images) -> None:
        self._catalogue = catalogue
        self._images = images

    def choose(self, spec: InstanceSpec, deadline: Deadline) -> Choice:
        """Everything that a spec leaves open. Raises InvalidSpec if nothing fits it."""
        offer = self._offer(spec, deadline)
        name = offer.machine_type.name if offer else spec.machine_type
        sold = self._catalogue.sold(name or "", deadline)
        kind = sold.kind
        if spec.architecture not in (None, kind.architecture):
            raise InvalidSpec(
                f"architecture: {kind.name} is {kind.architecture}, not {spec.architecture}; leave one of them out"
            )
        source = self._images.source(spec.image, kind)
        cloud_init = source is None or source.cloud_init
        if spec.user_data and not cloud_init and not spec.user_data.startswith("#!"):
            raise InvalidSpec(f'user_data: {spec.image} has no cloud-init: give a script that begins with "#!", or use Ubuntu')
        return Choice(
            sold.machine,
            _zones(spec, sold, offer),
            self._images.resolve(spec.image, kind, deadline),
            has_gpu=sold.parts.count > 0,
            drivers=source is not None and source.drivers,
            cloud_init=cloud_init,
            reservation=offer.reservation if offer else None,
        )

    def _offer(self, spec: InstanceSpec, deadline: Deadline) -> Offer | None:
        """The offer that the spec is bought by; None where it names its machine type, and that is not reserved."""
        if spec.machine_type is None:
            return cheapest(spec, self._catalogue.offers(deadline))
        if spec.purchase != "reserved":
            return None
        for offer in self._catalogue.reserved(spec.machine_type, deadline):
            is_it = spec.zone in (None, offer.zone) and spec.reservation in (None, offer.reservation)
            if is_it and (offer.available or spec.reservation):
                return offer
        asked = f'reservation "{spec.reservation}"' if spec.reservation else "reservation with room"
        raise InvalidSpec(
            f"purchase: there is no {asked} for {spec.machine_type} in {spec.zone or 'any zone'} that was made with "
            "--require-specific-reservation: others cannot be named, and are used by what is bought on demand"
        )


def _zones(spec: InstanceSpec, sold: Sold, offer: Offer | None) -> tuple[str, ...]:
    """The zones to try in turn: the spec's or the reservation's own, else that of the cheapest offer and then the others."""
    if spec.zone:
        if spec.zone not in sold.zones:
            raise InvalidSpec(f"zone: {spec.zone} does not sell {sold.kind.name}; these do: {', '.join(sold.zones)}")
        return (spec.zone,)
    if offer is None:
        return sold.zones
    others = () if offer.reservation else tuple(zone for zone in sold.zones if zone != offer.zone)
    return (offer.zone, *others)
