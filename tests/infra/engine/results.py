"""What a run has to tell: its steps, its messages, its failures and the stack's outputs."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """One thing that was done, or at a preview would be.

    `op` is Pulumi's word: same, create, update, replace (says why, does nothing), create-replacement, delete-replaced,
    delete, read, refresh, remove-pending-replace. `diff` are the properties that changed, `replaced_keys` those of them that
    force a replacement. `outcome` belongs to a refresh: same, update or delete (the thing is gone).
    """

    op: str
    urn: str
    type: str
    name: str
    diff: tuple[str, ...] = ()
    replaced_keys: tuple[str, ...] = ()
    outcome: str = ""


@dataclass(frozen=True)
class Message:
    """A line for the user. `severity` is debug, info, warning or error; `urn` is empty where no resource is meant."""

    severity: str
    urn: str
    text: str


@dataclass(frozen=True)
class Failure:
    """Why the run failed. `property` is the input that was refused by the provider's check, else empty."""

    urn: str
    property: str
    text: str


@dataclass
class Result:
    """A run's account. `outputs` are the stack's, in clear; `secret_outputs` names those that Pulumi would hide.

    `hidden` are the configuration's secrets, which no message shows.
    """

    steps: list[Step] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    secret_outputs: set[str] = field(default_factory=set)
    hidden: tuple[str, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    @property
    def changes(self) -> list[tuple[str, str]]:
        """(op, name) of the steps that are more than "same", in the order in which they began."""
        return [(step.op, step.name) for step in self.steps if step.op != "same" and step.outcome != "same"]

    def say(self, severity: str, urn: str, text: str) -> None:
        """Keep a message."""
        self.messages.append(Message(severity, urn, self._without_secrets(text)))

    def fail(self, urn: str, text: str, property: str = "") -> None:
        """Record a failure, and the same as an error message."""
        self.failures.append(Failure(urn, property, self._without_secrets(text)))
        self.say("error", urn, text)

    def _without_secrets(self, text: str) -> str:
        for secret in self.hidden:
            text = text.replace(secret, "[secret]")
        return text
