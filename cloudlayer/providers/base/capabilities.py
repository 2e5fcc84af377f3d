"""What a provider lacks: which capabilities a spec needs, and the error for one that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.interfaces import Capabilities
from cloudlayer.providers.base.attempts import PLAIN_LABELS
from cloudlayer.resources import InstanceSpec

_NEEDS: Final[Mapping[str, Callable[[InstanceSpec], object]]] = {
    "on_demand": lambda spec: spec.purchase == "on_demand",
    "spot": lambda spec: spec.purchase == "spot",
    "reserved": lambda spec: spec.purchase == "reserved",
    "images": lambda spec: spec.image,
    "user_data": lambda spec: spec.user_data,
    "disks": lambda spec: spec.disks,
    "public_address": lambda spec: spec.public_address,
    "open_ports": lambda spec: spec.open_ports,
    "labels": lambda spec: spec.labels,
    "expiry": lambda spec: spec.delete_on_shutdown,
}


def missing(capabilities: Capabilities, name: str) -> Unsupported:
    """The error for a capability that is not there, with its declared reason."""
    reason = f"{name.replace('_', ' ')}: {capabilities[name].reason}"
    return Unsupported(reason, provider=capabilities.provider, code="Unsupported")


def require_for(specs: Iterable[InstanceSpec], capabilities: Capabilities) -> None:
    """Raise Unsupported, with the declared reason, if a spec asks for a capability that is not there."""
    for spec in specs:
        for name, needs in _NEEDS.items():
            if needs(spec) and not capabilities[name]:
                raise missing(capabilities, name)


def require_plain(specs: Sequence[InstanceSpec], capabilities: Capabilities) -> None:
    """The same for a provider whose machines take plain labels and have no overrides: InvalidSpec for others."""
    require_for(specs, capabilities)
    for spec in specs:
        PLAIN_LABELS.check(spec.labels)
        if spec.overrides:
            raise InvalidSpec(f"overrides.{next(iter(spec.overrides))}: unknown key; known here: none")
