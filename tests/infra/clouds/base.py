"""A cloud as these tests need it: how a program reaches it, and what is there by the cloud's own account."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

KINDS = ("instance", "volume", "balancer", "group")


class Reached(ABC):
    """How a program reaches a cloud, and what it asks for there.

    `options` are the provider's, `defaults` the arguments of each kind of resource, `other_type` a larger machine; all that a
    test makes carries `labels`. A call to the plug-in may take `timeout` seconds.
    """

    provider: ClassVar[str]
    other_type: ClassVar[str] = ""
    timeout: ClassVar[float] = 60

    def __init__(self) -> None:
        self.labels = {"of": f"test-{uuid4().hex[:12]}"}
        self.options: dict[str, Any] = {}
        self.environment: dict[str, str] = {}

    @property
    @abstractmethod
    def defaults(self) -> Mapping[str, Mapping[str, Any]]:
        """The arguments of each kind of resource that it needs here."""


class Cloud(Reached):
    """One cloud, and what is there by its own account: nothing here goes through our driver, but for this host's own."""

    @abstractmethod
    def ids(self, kind: str) -> list[str]:
        """What of a kind is alive with our labels."""

    @abstractmethod
    def pieces(self) -> dict[str, int]:
        """How much of everything carries our labels; empty where nothing is left."""

    @abstractmethod
    def delete(self, kind: str, id: str) -> None:
        """Delete a thing, as somebody else would; returns when it is gone."""

    @abstractmethod
    def stop(self, instance: str) -> None:
        """Stop a machine; returns when it is stopped."""

    @abstractmethod
    def state_of(self, instance: str) -> str:
        """The state of a machine in the cloud's own word, "running" or "active" where it runs."""

    @abstractmethod
    def type_of(self, instance: str) -> str:
        """The machine type."""

    @abstractmethod
    def detach(self, volume: str) -> None:
        """Detach a volume; returns when it is available."""

    @abstractmethod
    def holder_of(self, volume: str) -> str | None:
        """The machine that has the volume."""

    @abstractmethod
    def gibibytes(self, volume: str) -> float:
        """The size of a volume."""

    @abstractmethod
    def bounds_of(self, group: str) -> tuple[int, int]:
        """The least and the most members of a group."""

    @abstractmethod
    def bound(self, group: str, most: int) -> None:
        """Let a group have that many members at most."""

    @abstractmethod
    def targets_of(self, balancer: str) -> set[str]:
        """The machines behind a balancer, by whatever `address_of` tells."""

    @abstractmethod
    def address_of(self, instance: str) -> str:
        """What a balancer knows a machine by."""

    @abstractmethod
    def drop_target(self, balancer: str, instance: str) -> None:
        """Take a machine out of a balancer."""

    @abstractmethod
    def clear(self) -> None:
        """Leave nothing of ours behind."""

    def all_ids(self) -> dict[str, list[str]]:
        """What of each kind is alive."""
        return {kind: self.ids(kind) for kind in KINDS}

    def count(self) -> dict[str, int]:
        """How many of each kind are alive."""
        return {kind: len(found) for kind, found in self.all_ids().items()}
