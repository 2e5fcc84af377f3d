"""What every Compute has in common: one instance is a batch of one, and waiting is polling described as data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cloudlayer.errors import CloudError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.capabilities import missing
from cloudlayer.providers.base.interface import BaseInterface
from cloudlayer.providers.base.waiting import Waiter, will_not_be
from cloudlayer.resources import Image, Instance, InstanceSpec, InstanceState, Offer

_LOST: Final = frozenset({InstanceState.FAILED, InstanceState.DELETING, InstanceState.DELETED})

WAITERS: Final[Mapping[InstanceState, Waiter[InstanceState]]] = {
    InstanceState.PENDING: Waiter(frozenset({InstanceState.PENDING, InstanceState.RUNNING}), _LOST),
    InstanceState.RUNNING: Waiter(frozenset({InstanceState.RUNNING}), _LOST | {InstanceState.STOPPING}),
    InstanceState.STOPPING: Waiter(frozenset({InstanceState.STOPPING, InstanceState.STOPPED}), _LOST),
    InstanceState.STOPPED: Waiter(frozenset({InstanceState.STOPPED}), _LOST),
    InstanceState.DELETING: Waiter(frozenset({InstanceState.DELETING, InstanceState.DELETED}), frozenset()),
    InstanceState.DELETED: Waiter(frozenset({InstanceState.DELETED}), frozenset()),
    InstanceState.FAILED: Waiter(frozenset({InstanceState.FAILED}), _LOST - {InstanceState.FAILED}),
}
"""By the state that is waited for. STOPPED is no failure on the way to RUNNING: a start may not show yet."""


class BaseCompute(BaseInterface, ABC):
    """A Compute to build on. A driver gives the abstract methods, and those of the rest that its capabilities claim."""

    @abstractmethod
    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Everything on sale here."""

    @abstractmethod
    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """One answer for each spec, in order; idempotent by token."""

    @abstractmethod
    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as it is now; NotFound if it is not there."""

    @abstractmethod
    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Begin to delete; an id that is not there is no error."""

    def create(self, spec: InstanceSpec, *, token: str, deadline: Deadline | None = None) -> Instance:
        """`create_batch` of one spec: returns its instance or raises its error."""
        answer = self.create_batch([spec], token=token, deadline=deadline)[0]
        if isinstance(answer, CloudError):
            raise answer
        return answer

    def images(self, name: str | None = None, *, deadline: Deadline | None = None) -> list[Image]:
        """Images by friendly name or id, newest first."""
        raise missing(self.capabilities, "images")

    def start(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to start a stopped instance."""
        raise missing(self.capabilities, "stop_start")

    def stop(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to stop a running instance."""
        raise missing(self.capabilities, "stop_start")

    def reboot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Restart the instance's system."""
        raise missing(self.capabilities, "reboot")

    def resize(self, id: str, machine_type: str, *, deadline: Deadline | None = None) -> None:
        """Change the machine type of a stopped instance."""
        raise missing(self.capabilities, "resize")

    def console_log(self, id: str, *, deadline: Deadline | None = None) -> str:
        """What the machine wrote to its console."""
        raise missing(self.capabilities, "console_log")

    def wait(
        self, instance: Instance | str, state: InstanceState | str, *, timeout: float = 600, deadline: Deadline | None = None
    ) -> Instance:
        """The instance once it is in `state`; see `Waits.run` for how a wait ends otherwise."""
        waits = self._waits(
            kind="an instance",
            states=InstanceState,
            waiters=WAITERS,
            get=lambda name, bound: self.get(name, deadline=bound),
            absent=self._deleted,
            failure=self.failure,
        )
        return waits.run(instance, state, timeout, deadline)

    def failure(self, instance: Instance, wanted: InstanceState) -> CloudError:
        """The error for an instance that will never be `wanted`; a driver that knows the reason's code refines it."""
        return will_not_be(instance, wanted, self.provider)

    @abstractmethod
    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance that carries all of `labels`, whole."""

    def _deleted(self, id: str) -> Instance:
        return Instance(id, self.provider, self.region, zone="", state=InstanceState.DELETED, machine_type="")
