"""What a spec leaves open, and how it is chosen: the flavor, the image, the network; for single servers and groups alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.providers.base.selection import cheapest
from cloudlayer.providers.openstack.compute.catalogue import Catalogue
from cloudlayer.providers.openstack.compute.images import Images
from cloudlayer.providers.openstack.compute.network import Network
from cloudlayer.providers.openstack.options import InstanceOverrides
from cloudlayer.resources import InstanceSpec, MachineType
from cloudlayer.specs import checked


@dataclass(frozen=True, slots=True)
class Choice:
    """What was found for a spec: a machine type, and ids of a flavor, image, network and the security groups it names."""

    kind: MachineType
    flavor: str
    image: str
    network: str
    groups: tuple[str, ...]


class Choices:
    """Chooses. Raises InvalidSpec if nothing fits a spec."""

    def __init__(self, catalogue: Catalogue, images: Images, network: Network) -> None:
        self.catalogue = catalogue
        self.images = images
        self.network = network

    def choose(self, specs: Sequence[InstanceSpec], deadline: Deadline) -> list[Choice]:
        """A choice for each spec, in order; looked up once for specs that differ in name and labels alone."""
        found: dict[str, Choice] = {}
        choices = []
        for spec in specs:
            bare = fingerprint([spec.model_copy(update={"name": None, "labels": {}})])
            if bare not in found:
                found[bare] = self._choose(spec, deadline)
            choices.append(found[bare])
        return choices

    def _choose(self, spec: InstanceSpec, deadline: Deadline) -> Choice:
        name = spec.machine_type or cheapest(spec, self.catalogue.offers(deadline)).machine_type.name
        kind, flavor = self.catalogue.flavor(name, deadline)
        if spec.architecture not in (None, kind.architecture):
            raise InvalidSpec(
                f"architecture: {kind.name} is {kind.architecture}, not {spec.architecture}; leave one of them out"
            )
        overrides = checked(InstanceOverrides, spec.overrides, "overrides")
        if spec.public_address:
            self.network.external(deadline)
        return Choice(
            kind,
            flavor,
            self.images.resolve(spec.image, kind, deadline),
            self.network.network(overrides.network, deadline),
            tuple(self.network.group(group, deadline) for group in overrides.security_groups),
        )
