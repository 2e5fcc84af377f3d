"""The kinds of things that are made by hand, besides instances: the same few verbs for each, whatever interface has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pydantic import Field

from cloudlayer.interfaces import Deadline, Provider, Storage
from cloudlayer.resources import (
    LoadBalancer,
    LoadBalancerSpec,
    ScalingGroup,
    ScalingGroupSpec,
    Share,
    ShareSpec,
    Snapshot,
    Volume,
    VolumeSpec,
)
from cloudlayer.specs import Name, Spec

Thing = ScalingGroup | LoadBalancer | Volume | Snapshot | Share


class SnapshotSpec(Spec):
    """A snapshot to be made of the volume with that id."""

    name: Name | None = None
    volume: str
    labels: dict[str, str] = Field(default_factory=dict)


class Verbs(Protocol):
    """What Autoscaling, LoadBalancing and Storage have in common."""

    def create(self, spec: Any, *, token: str, deadline: Deadline | None = None) -> Any:
        """Begin to make one, idempotent by token."""
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> Any:
        """One as it is now."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Any]:
        """All with the labels."""
        ...

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete one."""
        ...

    def wait(self, thing: Any, state: Any, /, *, timeout: float, deadline: Deadline | None = None) -> Any:
        """One, once it is in a state."""
        ...


@dataclass(frozen=True)
class Snapshots:
    """The snapshots of a Storage, by the verbs of the others."""

    storage: Storage

    def create(self, spec: SnapshotSpec, *, token: str, deadline: Deadline | None = None) -> Snapshot:
        """Begin to copy the volume."""
        return self.storage.snapshot(spec.volume, token=token, name=spec.name, labels=spec.labels, deadline=deadline)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Snapshot:
        """The snapshot as it is now."""
        return self.storage.get_snapshot(id, deadline=deadline)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Snapshot]:
        """All with the labels."""
        return self.storage.snapshots(labels, deadline=deadline)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete it."""
        self.storage.delete_snapshot(id, deadline=deadline)

    def wait(self, thing: Snapshot | str, state: str, /, *, timeout: float, deadline: Deadline | None = None) -> Snapshot:
        """The snapshot, once it is in a state."""
        return self.storage.wait_snapshot(thing, state, timeout=timeout, deadline=deadline)


@dataclass(frozen=True)
class Shares:
    """The shares of a Storage, by the verbs of the others."""

    storage: Storage

    def create(self, spec: ShareSpec, *, token: str, deadline: Deadline | None = None) -> Share:
        """Begin to make it."""
        return self.storage.create_share(spec, token=token, deadline=deadline)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Share:
        """The share as it is now."""
        return self.storage.get_share(id, deadline=deadline)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Share]:
        """All with the labels."""
        return self.storage.shares(labels, deadline=deadline)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete it."""
        self.storage.delete_share(id, deadline=deadline)

    def wait(self, thing: Share | str, state: str, /, *, timeout: float = 600, deadline: Deadline | None = None) -> Share:
        """The share, once it is in a state."""
        return self.storage.wait_share(thing, state, timeout=timeout, deadline=deadline)


@dataclass(frozen=True)
class Kind:
    """One kind: its name in the store, its word for people, the capability without which there are none, and its verbs.

    `ready` is the state in which a new one is of use, `lister` the command that lists them, `secret` the path in its spec of
    what is in no store.
    """

    name: str
    noun: str
    capability: str
    ready: str
    spec: type[Spec]
    verbs: Callable[[Provider], Verbs]
    lister: str
    secret: tuple[str, ...] = field(default=())


GROUP: Final = Kind(
    "group",
    "scaling group",
    "autoscaling",
    "active",
    ScalingGroupSpec,
    lambda provider: provider.autoscaling,
    "group list",
    secret=("template", "user_data"),
)
BALANCER: Final = Kind(
    "balancer",
    "load balancer",
    "load_balancing",
    "active",
    LoadBalancerSpec,
    lambda provider: provider.load_balancing,
    "lb list",
)
VOLUME: Final = Kind("volume", "volume", "volumes", "available", VolumeSpec, lambda provider: provider.storage, "volume list")
SNAPSHOT: Final = Kind(
    "snapshot",
    "snapshot",
    "volume_snapshots",
    "ready",
    SnapshotSpec,
    lambda provider: Snapshots(provider.storage),
    "volume snapshots",
)

SHARE: Final = Kind("share", "share", "shares", "ready", ShareSpec, lambda provider: Shares(provider.storage), "share list")

KINDS: Final = {kind.name: kind for kind in (GROUP, BALANCER, SNAPSHOT, VOLUME, SHARE)}
"""By name, in the order in which they are taken away: groups before balancers, copies before what they are of."""


def is_gone(thing: Any) -> bool:
    """Whether it is deleted, or being so."""
    return str(thing.state) in ("deleting", "deleted")
