"""How a batch of specs becomes machines: one request for each spec, with names and tags that follow from the token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cloudlayer import labels
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.azure.compute.profiles import security_rules
from cloudlayer.providers.azure.marks import NAME, PART_OF, PLACE, TAGS
from cloudlayer.providers.azure.options import InstanceOverrides
from cloudlayer.providers.base.attempts import derive, fingerprint, native_name
from cloudlayer.resources import InstanceSpec
from cloudlayer.specs import checked

_USER_DATA_BYTES: Final = 65535
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class Launch:
    """One machine of a batch: its name on Azure, and the tags that it and all that is made for it carry."""

    spec: InstanceSpec
    place: int
    token: str
    name: str
    tags: Mapping[str, str]
    overrides: InstanceOverrides

    @property
    def card(self) -> str:
        """The name of its network interface."""
        return f"{self.name}-nic"

    @property
    def address(self) -> str:
        """The name of its public address, if it has one."""
        return f"{self.name}-ip"

    @property
    def firewall(self) -> str:
        """The name of its security group, if it has one."""
        return f"{self.name}-nsg"

    @property
    def disks(self) -> tuple[str, ...]:
        """The names of its disks: the boot disk, then the others."""
        others = sum(not disk.boot for disk in self.spec.disks)
        return (f"{self.name}-os", *(f"{self.name}-disk{number}" for number in range(others)))


def plan_launches(specs: Sequence[InstanceSpec], token: str) -> list[Launch]:
    """The launches of a batch: always the same for the same specs and token. Raises InvalidSpec for what Azure would refuse."""
    batch = fingerprint(specs)
    return [_launch(spec, token, batch, place) for place, spec in enumerate(specs)]


def _launch(spec: InstanceSpec, token: str, batch: str, place: int) -> Launch:
    TAGS.check(spec.labels)
    overrides = checked(InstanceOverrides, spec.overrides, "overrides")
    if len((spec.user_data or "").encode()) > _USER_DATA_BYTES:
        raise InvalidSpec(f"user_data: more than Azure's {_USER_DATA_BYTES} bytes; let it fetch the rest from object storage")
    if security_rules(spec.open_ports) and overrides.security_group:
        raise InvalidSpec("overrides.security_group: a machine has one security group: leave this out, or open_ports")
    # Not after the user's name: another spec under the token has to come upon the same machine.
    name = native_name(None, derive(token, place), _LONGEST_NAME)
    tags = {
        **spec.labels,
        labels.TOKEN: token,
        labels.SPEC: batch,
        PLACE: str(place),
        PART_OF: name,
        **({NAME: spec.name} if spec.name else {}),
    }
    return Launch(spec, place, token, name, tags, overrides)
