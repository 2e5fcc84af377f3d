"""Where built images lie between the engine that built them and the machines that run them: in a registry.

`CLOUDLAYER_REGISTRY` names one ("registry.example:5000/team"). Without it the controller runs its own, which machines reach
over their SSH connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Deadline, ReplicaSpec
from cloudlayer.interfaces.host import Host
from cloudlayer.runtime.docker.builder import Builder
from cloudlayer.runtime.docker.daemon import Daemon

VARIABLE: Final = "CLOUDLAYER_REGISTRY"
_NAME: Final = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*")


class Registry(Protocol):
    """A place for images. Thread-safe. An image's reference is "name:tag"; what it stands for is pulled by digest."""

    def find(self, reference: str, daemon: Daemon) -> tuple[str, ...]:
        """The digests of an image's manifests, the whole one last; none if it is not there. `daemon` may be asked to look."""
        ...

    def publish(self, spec: ReplicaSpec, reference: str, builder: Builder, deadline: Deadline | None) -> tuple[str, ...]:
        """Bring the image of a source folder here, built by `builder`, as far as it is not; its digests."""
        ...

    def push(self, reference: str, daemon: Daemon) -> tuple[str, ...]:
        """Bring an image that `daemon` has here, as far as it is not; its digests."""
        ...

    def deliver(
        self, reference: str, published: Callable[[], tuple[str, ...]], daemon: Daemon, host: Host, deadline: Deadline | None
    ) -> None:
        """Bring an image to the machine `host`, whose engine is `daemon`, under its reference. What is there is not sent again.

        `published` gives its digests, once all of it is here; none where the machine has it already.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def connect_registry(folder: Path) -> Registry | None:
    """The registry that is configured, else our own in `folder`; None where its program is not installed.

    InvalidSpec for a name that no image can begin with.
    """
    from cloudlayer.runtime.docker.registry.configured import Configured
    from cloudlayer.runtime.docker.registry.own import Own
    from cloudlayer.runtime.docker.registry.process import program

    if named := os.environ.get(VARIABLE, "").strip().rstrip("/"):
        if not _NAME.fullmatch(named):
            # Its value is not told: people put passwords there.
            raise InvalidSpec(f"{VARIABLE} names no registry: give a host, and a path if need be: registry.example:5000/team")
        return Configured(named)
    return None if program() is None else Own(folder)
