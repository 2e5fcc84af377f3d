"""What a test run proves, written into pytest's JUnit file: whose promise it was, what it proves, and by what kind of proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest

from cloudlayer.interfaces import Capability

Promise = TypeVar("Promise", bound=Callable[..., Any])


def proves(*capabilities: str) -> Callable[[Promise], Promise]:
    """Marks a test as the proof of capabilities; "{name}" stands for the value of the test's parameter."""

    def mark(promise: Promise) -> Promise:
        promise.__dict__["proves"] = capabilities
        return promise

    return mark


def proven(promise: Callable[..., Any]) -> Iterable[str]:
    """The capabilities that a test is the proof of."""
    found: Iterable[str] = getattr(promise, "proves", ())
    return found


def record_promise(node: pytest.Item, provider: str, proof: str, capabilities: Iterable[str], *, interface: str = "") -> None:
    """Write down that this test is a promise of the provider. `proof` is what stands behind it, such as "emulator";
    `interface` is the one that it is a promise of, empty where it is of the provider as a whole."""
    said = [("provider", provider), ("proof", proof), ("interface", interface)]
    node.user_properties += [*said, *(("proves", name) for name in capabilities)]


def record_capability(node: pytest.Item, name: str, capability: Capability) -> None:
    """Write down what the provider declares."""
    node.user_properties.append(("declares", name if capability else f"{name}: {capability.reason}"))
