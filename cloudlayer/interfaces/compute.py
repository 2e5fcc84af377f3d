"""Compute: instances of one provider in one region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from cloudlayer.errors import CloudError
from cloudlayer.interfaces.clock import Deadline
from cloudlayer.resources import Image, Instance, InstanceSpec, InstanceState, Offer


class Compute(Protocol):
    """Instances of one provider in one region."""

    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Everything on sale here, each machine type in each zone, whole: never one page of it."""
        ...

    def images(self, name: str | None = None, *, deadline: Deadline | None = None) -> list[Image]:
        """Images by friendly name or id, newest first; without a name, those that friendly names lead to."""
        ...

    def create(self, spec: InstanceSpec, *, token: str, deadline: Deadline | None = None) -> Instance:
        """`create_batch` of one spec: returns its instance or raises its error."""
        ...

    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """One answer for each spec, in order: the instance, pending or better, or why there is none.

        Idempotent: the same specs under the same `token` (a UUID) give the same instances in the same order, however often
        it is called, by whom, and whatever became of an earlier call's answer. Other specs under a used token give
        Conflict, and so does a token whose instances are all deleted: a token never launches twice. Labels, name and token
        are on the instance and on its children from the moment they exist. A fault of the whole call (credentials,
        throttling, a broken connection) is raised; a lack of capacity or quota is an answer for the specs that it hit.
        """
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as it is now. NotFound if it is not there; one that is deleted may still be reported as such."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance that carries all of `labels`, pages flattened; deleted ones may still be among them."""
        ...

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Begin to delete the instances with all that was made for them. One that is not there is no error."""
        ...

    def start(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to start a stopped instance; no error if it runs."""
        ...

    def stop(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to stop a running instance, keeping its disks; no error if it is stopped."""
        ...

    def reboot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Restart the instance's system."""
        ...

    def resize(self, id: str, machine_type: str, *, deadline: Deadline | None = None) -> None:
        """Change the machine type of a stopped instance."""
        ...

    def console_log(self, id: str, *, deadline: Deadline | None = None) -> str:
        """What the machine wrote to its console, empty where nothing is there yet."""
        ...

    def wait(
        self, instance: Instance | str, state: InstanceState | str, *, timeout: float = 600, deadline: Deadline | None = None
    ) -> Instance:
        """The instance once it is in `state`, within `timeout` seconds, and within `deadline` where one is given.

        A state that can no longer lead there ends the wait at once, with its reason; a deadline that is cancelled ends it too.
        """
        ...
