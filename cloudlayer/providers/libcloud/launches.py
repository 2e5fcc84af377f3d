"""From specs to what a driver is asked to make: for each its size, image and location, its labels and its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from libcloud.compute.base import NodeAuthSSHKey

from cloudlayer import labels as names
from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.attempts import PLAIN_LABELS, derive, fingerprint
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.selection import cheapest
from cloudlayer.providers.libcloud import drivers
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.catalogue import Catalogue
from cloudlayer.providers.libcloud.images import Images
from cloudlayer.providers.libcloud.names import carrying
from cloudlayer.providers.libcloud.nodes import PLACE
from cloudlayer.resources import InstanceSpec

LIMITS: Final = replace(PLAIN_LABELS, most=40)
"""What labels may be: those that every cloud takes, and so many that ours fit beside them."""

USER_DATA: Final = ("ex_userdata", "ex_user_data", "userdata", "cloud_init")
"""What drivers call user data."""
PUBLIC_ADDRESS: Final = "ex_assign_public_ip"
_ZONE: Final = "ex_availability_zone"
_TAKEN: Final = (
    *("name", "size", "image", "location", "ex_metadata", "ex_labels", "ex_tags", "ex_mincount", "ex_maxcount"),
    *("ex_spot", "ex_spot_max_price"),
)


@dataclass(frozen=True, slots=True)
class Launch:
    """One instance to be made: `token` is its own, `arguments` those of create_node, `digest` that of its whole batch."""

    token: str
    digest: str
    place: int
    name: str
    labels: Mapping[str, str]
    size: Any
    zone: str | None
    arguments: Mapping[str, Any]
    where: Where


def _key(text: str) -> Any:
    made: Any = NodeAuthSSHKey
    return made(text)


class Launches:
    """Plans launches. Raises InvalidSpec for a spec that nothing fits.

    Overrides are arguments of the driver's create_node; `auth` among them is the text of a public SSH key.
    """

    def __init__(self, driver: type[Any], adapter: Adapter, catalogue: Catalogue, images: Images, where: Where) -> None:
        self._driver = driver
        self._adapter = adapter
        self._catalogue = catalogue
        self._images = images
        self._where = where
        self._parameters = drivers.parameters(driver, "create_node")

    def check(self, specs: Sequence[InstanceSpec]) -> None:
        """Raise InvalidSpec for labels and overrides that cannot be taken; makes no call."""
        taken = (*_TAKEN, *USER_DATA, self._adapter.token or "")
        for spec in specs:
            LIMITS.check(spec.labels)
            if self._adapter.kept:
                self._adapter.kept.check(spec.labels)
            drivers.check_overrides(self._driver, "create_node", spec.overrides, taken)

    def plan(self, specs: Sequence[InstanceSpec], token: str, deadline: Deadline) -> list[Launch]:
        """A launch for each spec, in order."""
        digest = fingerprint(specs)
        return [self._launch(spec, place, token, digest, deadline) for place, spec in enumerate(specs)]

    def _launch(self, spec: InstanceSpec, place: int, token: str, digest: str, deadline: Deadline) -> Launch:
        name = spec.machine_type or cheapest(spec, self._catalogue.offers(deadline)).machine_type.name
        kind, size = self._catalogue.kind(name, deadline)
        if spec.architecture not in (None, kind.architecture):
            raise InvalidSpec(f"architecture: {kind.name} is {kind.architecture}, not {spec.architecture}; leave one out")
        own, zone = derive(token, place), spec.zone
        if zone is None and (not self._catalogue.may_choose or drivers.requires(self._driver, "create_node", "location")):
            zone = next(iter(self._catalogue.sold(deadline).zones))
        labels = {}
        if self._adapter.kept:
            labels = {**spec.labels, names.TOKEN: token, names.SPEC: digest, PLACE: str(place)}
        native = spec.name
        if native is None or self._adapter.unique_names or not self._adapter.kept:
            native = carrying(spec.name, own, digest)
        arguments = {
            **spec.overrides,
            "name": native,
            "size": size,
            "image": self._images.resolve(spec.image, kind, deadline),
            **self._place(zone, deadline),
            **self._more(spec, labels, own),
        }
        if isinstance(arguments.get("auth"), str):
            arguments["auth"] = _key(arguments["auth"])
        where = Where(self._where.provider, self._where.region, spec.zone, kind.name, spec.purchase)
        return Launch(own, digest, place, native, labels, size, zone, arguments, where)

    def _place(self, zone: str | None, deadline: Deadline) -> dict[str, Any]:
        """The argument that says where it is to be; none where the cloud is to choose."""
        if zone is None:
            return {}
        location = self._catalogue.location(zone, deadline)
        if "location" in self._parameters:
            return {"location": location}
        return {_ZONE: zone} if _ZONE in self._parameters else {}

    def _more(self, spec: InstanceSpec, labels: Mapping[str, str], token: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._adapter.kept and self._adapter.kept.argument:
            found |= self._adapter.kept.asked(labels, spec.overrides)
        if self._adapter.token:
            found[self._adapter.token] = token
        if spec.user_data is not None:
            found[next(name for name in USER_DATA if name in self._parameters)] = spec.user_data
        if spec.public_address:
            found[PUBLIC_ADDRESS] = True
        return found
