"""The images that replicas start from: a machine has each by the time it is asked for.

An image that a function names comes from its own registry. One of a source folder is built where the replicas run, if that is
this host, and is brought to any other machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloudlayer.errors import TransientError
from cloudlayer.interfaces import Deadline, MachineContext, ReplicaSpec
from cloudlayer.runtime.docker.builder import Builder
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.delivery import Delivery
from cloudlayer.runtime.docker.networks import Networks
from cloudlayer.runtime.docker.pruning import Pruning, of_this_host


@dataclass(frozen=True, slots=True)
class Image:
    """An image of this engine, and the user that it names ("" for root)."""

    reference: str
    user: str


class Images:
    """The images of one machine."""

    def __init__(self, daemon: Daemon, machine: MachineContext, networks: Networks) -> None:
        pruning = (
            of_this_host(daemon, machine.cache)
            if machine.host is None
            else Pruning(machine.host, daemon, machine.folder / "images")
        )
        self._builder = Builder(daemon, machine.cache, networks, pruning)
        self._delivery = None if machine.host is None else Delivery(machine, machine.host, self._builder, pruning)

    def ensure(self, spec: ReplicaSpec, deadline: Deadline | None) -> Image:
        """The image of a replica, fetched or built if it is not there."""
        if self._delivery is not None:
            reference = self._delivery.ensure(spec, deadline)
        elif spec.image is not None:
            reference = spec.image
            self._builder.fetched(reference)
        else:
            reference = self._builder.build(spec, deadline)
        found = self._builder.look(reference)
        if found is None:
            raise TransientError(f"the image {reference} was removed while it was about to be used", provider="docker")
        return _image(reference, found)

    def close(self) -> None:
        """Let go of what this process holds."""
        if self._delivery is not None:
            self._delivery.close()


def _image(reference: str, found: dict[str, Any]) -> Image:
    return Image(reference, str((found.get("Config") or {}).get("User") or ""))
