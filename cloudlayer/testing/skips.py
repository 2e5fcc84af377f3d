"""Why a promise is not held against a provider, in words that a program can read.

capability NAME: reason     the provider declares that it lacks it
fault NAME: reason          the provider's tests cannot bring the fault about; NAME may end in (kind)
fixture NAME: reason        the provider's tests give no such thing
present NAME: reason        the promise is for providers without it
"""

from __future__ import annotations

import re
from typing import Final, NoReturn, Protocol

import pytest

from cloudlayer.interfaces import Capabilities

_REASON: Final = re.compile(r"(?:Skipped: )?(capability|fault|fixture|present) (\S+): (.*)", re.DOTALL)


class Declares(Protocol):
    """A provider, or a store."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, and why not."""
        ...


def need(provider: Declares, *capabilities: str) -> None:
    """Skip the promise if the provider lacks one of the capabilities."""
    for name in capabilities:
        if not provider.capabilities[name]:
            skip("capability", name, provider.capabilities[name].reason)


def lacks(provider: Declares, capability: str) -> str:
    """The reason for which the capability is missing; skip the promise if it is there."""
    if provider.capabilities[capability]:
        skip("present", capability, f"{provider.capabilities.provider} has it")
    return provider.capabilities[capability].reason


def skip(what: str, name: str, reason: str) -> NoReturn:
    """Skip the promise: `what` is "capability", "fault", "fixture" or "present"."""
    pytest.skip(f"{what} {name}: {reason}")


def parse(reason: str) -> tuple[str, str, str] | None:
    """A skip's reason as (what, name, reason); None if it is none of this suite's."""
    match = _REASON.fullmatch(reason.strip())
    return (match[1], match[2], match[3]) if match else None
