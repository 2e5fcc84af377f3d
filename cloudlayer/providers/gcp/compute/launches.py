"""How a batch of specs becomes instances: one insert for each spec, under a name that follows from the token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cloudlayer.providers.base.attempts import derive, fingerprint, native_name
from cloudlayer.providers.gcp.compute.properties import checked_overrides
from cloudlayer.providers.gcp.firewall import Opening, openings
from cloudlayer.providers.gcp.marks import LONGEST_NAME, PLACE, marked
from cloudlayer.providers.gcp.options import InstanceOverrides
from cloudlayer.resources import InstanceSpec

TAG_PREFIX: Final = "cl-open-"
"""How the network tags of openings of instances begin, and the names of their firewall rules."""

_TAIL: Final = 16
"""How many characters at the end of a name follow from the token and the place in its batch alone."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One instance of a batch. `marks` are on it and on its disks; `opened` are the openings that it asks for."""

    spec: InstanceSpec
    place: int
    token: str
    batch: str
    name: str
    marks: Mapping[str, str]
    overrides: InstanceOverrides
    opened: tuple[Opening, ...]

    @property
    def tail(self) -> str:
        """The end of its name, which is the same whatever the spec is called."""
        return self.name[-_TAIL:]


def plan_launches(specs: Sequence[InstanceSpec], token: str) -> list[Launch]:
    """The launches of a batch: always the same for the same specs and token. InvalidSpec for what the cloud would refuse."""
    batch = fingerprint(specs)
    return [_launch(spec, place, token, batch) for place, spec in enumerate(specs)]


def _launch(spec: InstanceSpec, place: int, token: str, batch: str) -> Launch:
    return Launch(
        spec,
        place,
        token,
        batch,
        native_name(spec.name, derive(token, place), LONGEST_NAME),
        {**marked(spec.labels, spec.name, token, batch), PLACE: str(place)},
        checked_overrides(spec),
        openings(spec.open_ports),
    )
