"""What a spec leaves open, and how it is chosen: the machine type, the image, and what that calls its boot disk."""

from __future__ import annotations

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws.compute.catalogue import Catalogue
from cloudlayer.providers.aws.compute.images import Images
from cloudlayer.providers.aws.compute.launches import Choice
from cloudlayer.providers.base.selection import cheapest
from cloudlayer.resources import InstanceSpec


class Choices:
    """Chooses, for single instances and for the templates of groups alike."""

    def __init__(self, catalogue: Catalogue, images: Images) -> None:
        self._catalogue = catalogue
        self._images = images

    def choose(self, spec: InstanceSpec, deadline: Deadline) -> Choice:
        """Everything that a spec leaves open. Raises InvalidSpec if nothing fits it."""
        if spec.machine_type is None:
            kind = cheapest(spec, self._catalogue.offers(deadline)).machine_type
        else:
            kind = self._catalogue.machine_type(spec.machine_type, deadline)
        if spec.architecture not in (None, kind.architecture):
            raise InvalidSpec(
                f"architecture: {kind.name} is {kind.architecture}, not {spec.architecture}; leave one of them out"
            )
        image = self._images.resolve(spec.image, kind, deadline)
        boots = any(disk.boot for disk in spec.disks)
        return Choice(
            kind.name,
            image,
            root_device=self._images.root_device(image, deadline) if boots else None,
            block=spec.reservation is not None and self._catalogue.is_block(spec.reservation, deadline),
        )
