"""Steps of scaling policies. Heat answers a signal that comes during a step, or too soon after one, like any other, and drops
it: whether one counted is told by the policy's events alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from cloudlayer.errors import NotFound, Throttled, TransientError
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.openstack.autoscaling.stacks import Stack, Stacks
from cloudlayer.providers.openstack.autoscaling.templates import policy_resource
from cloudlayer.resources import StepPolicy

_LOOK: Final = 0.5


class Steps:
    """Takes steps, each exactly once."""

    def __init__(self, stacks: Stacks, clock: Clock) -> None:
        self._stacks = stacks
        self._clock = clock

    def take(self, id: str, policy: str, deadline: Deadline) -> None:
        """Take the step of a policy once nothing else is under way; Throttled if the cooldown outlasts the deadline."""
        while True:
            stack = self._open(self._stacks.settled(id, deadline), deadline)
            step = _policy(stack, policy)
            size = min(max(stack.size + step.change, stack.record.spec.min), stack.record.spec.max)
            if size == stack.size:
                return
            before = self._cooled(stack, deadline)
            if self._counted(stack, policy_resource(policy), before, deadline):
                return

    def _open(self, stack: Stack, deadline: Deadline) -> Stack:
        """The stack with its own upper bound: a group that was brought down to nothing has one of 0."""
        if stack.record.ceiling == stack.record.spec.max:
            return stack
        opened = stack.record.model_copy(update={"ceiling": stack.record.spec.max})
        self._stacks.change(stack, opened, deadline)
        return self._stacks.settled(stack.id, deadline)

    def _cooled(self, stack: Stack, deadline: Deadline) -> Mapping[str, Any]:
        """What Heat keeps of the latest step, once its cooldown is over."""
        while True:
            told = self._stacks.metadata(stack, deadline)
            left = _left(told, self._clock.now())
            if not told.get("scaling_in_progress") and left <= 0:
                return told
            if left > deadline.remaining():
                message = f"{stack.record.spec.name} cools down after a step: come again in {left:.0f} seconds"
                raise Throttled(message, retry_after=left, provider="openstack", code="Cooldown")
            deadline.check(f"waiting for {stack.record.spec.name} to cool down")
            self._clock.sleep(min(max(left, _LOOK), deadline.remaining()))

    def _counted(self, stack: Stack, resource: str, before: Mapping[str, Any], deadline: Deadline) -> bool:
        """Signal, and look for the event; False if another step came in between, so that this one was dropped."""
        word = str(uuid4())
        with suppress(TransientError):  # the answer may be all that was lost
            self._stacks.signal(stack, resource, word, deadline)
        while True:
            told = self._stacks.metadata(stack, deadline)
            if self._stacks.was_taken(stack, resource, word, deadline):
                return True
            if told != before and not told.get("scaling_in_progress"):
                return False
            deadline.check(f"looking whether {resource} was taken")
            self._clock.sleep(min(_LOOK, deadline.remaining()))


def _policy(stack: Stack, name: str) -> StepPolicy:
    steps = [policy for policy in stack.record.spec.policies if isinstance(policy, StepPolicy)]
    for step in steps:
        if step.name == name:
            return step
    known = ", ".join(step.name for step in steps) or "none"
    message = f'{stack.record.spec.name} has no step policy "{name}"; it has {known}'
    raise NotFound(message, provider="openstack", code="EntityNotFound")


def _left(told: Mapping[str, Any], now: float) -> float:
    """Seconds of the cooldown that are left."""
    ends = [datetime.fromisoformat(end).replace(tzinfo=UTC).timestamp() for end in told.get("cooldown_end") or {}]
    return max([0.0, *(end - now for end in ends)])
