"""What every Compute has in common: one instance is a batch of one, and waiting is polling described as data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cloudlayer.errors import CloudError, Conflict, InvalidSpec, NotFound, Throttled, TransientError
from cloudlayer.interfaces import Capabilities, Clock, Deadline, SystemClock
from cloudlayer.providers.base.capabilities import missing
from cloudlayer.resources import Image, Instance, InstanceSpec, InstanceState, Offer


@dataclass(frozen=True, slots=True)
class Waiter:
    """How a wait for a state goes: states that end it well, states that end it badly, and seconds between two looks."""

    accept: frozenset[InstanceState]
    fail: frozenset[InstanceState]
    delay: float = 2.0


_LOST: Final = frozenset({InstanceState.FAILED, InstanceState.DELETING, InstanceState.DELETED})

WAITERS: Final[Mapping[InstanceState, Waiter]] = {
    InstanceState.PENDING: Waiter(frozenset({InstanceState.PENDING, InstanceState.RUNNING}), _LOST),
    InstanceState.RUNNING: Waiter(frozenset({InstanceState.RUNNING}), _LOST | {InstanceState.STOPPING}),
    InstanceState.STOPPING: Waiter(frozenset({InstanceState.STOPPING, InstanceState.STOPPED}), _LOST),
    InstanceState.STOPPED: Waiter(frozenset({InstanceState.STOPPED}), _LOST),
    InstanceState.DELETING: Waiter(frozenset({InstanceState.DELETING, InstanceState.DELETED}), frozenset()),
    InstanceState.DELETED: Waiter(frozenset({InstanceState.DELETED}), frozenset()),
    InstanceState.FAILED: Waiter(frozenset({InstanceState.FAILED}), _LOST - {InstanceState.FAILED}),
}
"""By the state that is waited for. STOPPED is no failure on the way to RUNNING: a start may not show yet."""


class BaseCompute(ABC):
    """A Compute to build on. A driver gives the abstract methods, and those of the rest that its capabilities claim.

    `settle` is for how many seconds after its creation an instance may not be found yet; `poll` overrides a waiter's delay.
    """

    settle: float = 0.0
    poll: float | None = None

    def __init__(self, capabilities: Capabilities, region: str, *, clock: Clock | None = None) -> None:
        self.capabilities = capabilities
        self.provider = capabilities.provider
        self.region = region
        self.clock: Clock = clock or SystemClock()

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

    def wait(self, instance: Instance | str, state: InstanceState | str, *, timeout: float = 600) -> Instance:
        """The instance once it is in `state`; a state that cannot lead there any more ends the wait at once, with its reason.

        Raises Conflict (or what `failure` makes of it) for such a state, NotFound if the instance is not there, and
        TransientError with the code "deadline" after `timeout` seconds. Passing faults of the cloud are waited out.
        """
        wanted = _state(state)
        waiter, started = WAITERS[wanted], self.clock.monotonic()
        deadline = Deadline.after(timeout, self.clock)
        name = instance if isinstance(instance, str) else instance.id
        seen = None if isinstance(instance, str) else instance
        while True:
            deadline.check(f"waiting for {name} to be {wanted}" + (f", it is {seen.state}" if seen else ""))
            try:
                seen = self.get(name, deadline=deadline)
            except NotFound:
                if InstanceState.DELETED in waiter.accept:
                    return self._deleted(name, seen)
                if self.clock.monotonic() - started >= self.settle:
                    raise
            except (Throttled, TransientError):
                pass  # its retries are used up, the wait's time is not
            else:
                if seen.state in waiter.accept:
                    return seen
                if seen.state in waiter.fail:
                    raise self.failure(seen, wanted)
            self.clock.sleep(min(waiter.delay if self.poll is None else self.poll, deadline.remaining()))

    def failure(self, instance: Instance, wanted: InstanceState) -> CloudError:
        """The error for an instance that will never be `wanted`; a driver that knows the reason's code refines it."""
        reason = f": {instance.reason}" if instance.reason else ""
        message = f"{instance.id} is {instance.state} and will not be {wanted}{reason}"
        return Conflict(message, provider=self.provider, code=instance.state.value)

    @abstractmethod
    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance that carries all of `labels`, whole."""

    def _deleted(self, name: str, seen: Instance | None) -> Instance:
        if seen is not None:
            return replace(seen, state=InstanceState.DELETED)
        return Instance(name, self.provider, self.region, zone="", state=InstanceState.DELETED, machine_type="")


def _state(state: InstanceState | str) -> InstanceState:
    try:
        return InstanceState(state)
    except ValueError:
        raise InvalidSpec(f'"{state}" is no state of an instance: wait for one of {", ".join(InstanceState)}') from None
