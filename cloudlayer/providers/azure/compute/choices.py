"""What a spec leaves open, and how it is chosen: the size, the zone, the image."""

from __future__ import annotations

from dataclasses import dataclass

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.compute.catalogue import Catalogue
from cloudlayer.providers.azure.compute.images import Images
from cloudlayer.providers.azure.compute.machines import Sku
from cloudlayer.providers.base.selection import cheapest
from cloudlayer.resources import InstanceSpec, MachineType


@dataclass(frozen=True, slots=True)
class Choice:
    """What was found for a spec: the size with its zones, the one to use, and the image's id."""

    sku: Sku
    zone: str
    image: str

    @property
    def kind(self) -> MachineType:
        """The size as a machine type."""
        return self.sku.kind


class Choices:
    """Chooses, for single instances and for the templates of groups alike."""

    def __init__(self, catalogue: Catalogue, images: Images) -> None:
        self.catalogue = catalogue
        self.images = images

    def choose(self, spec: InstanceSpec, deadline: Deadline) -> Choice:
        """Everything that a spec leaves open. Raises InvalidSpec if nothing fits it.

        Without a zone it is the first in which this subscription may have the size, as it is for a volume.
        """
        self.catalogue.check_zone(spec.zone, deadline)
        if spec.machine_type is None:
            name = cheapest(spec, self.catalogue.offers(deadline)).machine_type.name
        else:
            name = spec.machine_type
        sku = self.catalogue.sku(name, deadline)
        kind = sku.kind
        if spec.architecture not in (None, kind.architecture):
            raise InvalidSpec(
                f"architecture: {kind.name} is {kind.architecture}, not {spec.architecture}; leave one of them out"
            )
        return Choice(sku, _zone(spec, sku), self.images.resolve(spec.image, sku, deadline))


def _zone(spec: InstanceSpec, sku: Sku) -> str:
    if spec.zone is None:
        return next((place for place in sku.places if place not in sku.closed), sku.places[0])
    if spec.zone not in sku.places:
        raise InvalidSpec(f'zone: "{spec.zone}" does not sell {sku.kind.name}; use one of {", ".join(sku.places)}')
    return spec.zone
