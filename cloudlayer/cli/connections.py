"""Connecting several providers for one command: what is wrong with one hides none of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from cloudlayer.errors import CloudLayerError
from cloudlayer.interfaces import Provider
from cloudlayer.providers import registry

Answer = TypeVar("Answer")

FICTION: Final = "simulated"
"""The provider whose machines are not real; its things are shown where it is named, and never beside real ones unasked."""


def connect(name: str) -> Provider:
    """A provider by "name" or "name:region"; one that is not real lives on this host's clock then, as it does for fleets."""
    fiction = registry.plug_in(name) == FICTION
    return registry.connect(name, clock="real") if fiction else registry.connect(name)


def chosen(names: Sequence[str] | None) -> list[str]:
    """The providers that were named, else all that are installed or have a profile, and are real.

    Of a plug-in that is many providers in one there are those that a profile chooses.
    """
    if names:
        return list(names)
    return [name for name in registry.known_names() if registry.plug_in(name) != FICTION and not registry.is_undecided(name)]


def ask_all(names: Sequence[str], question: Callable[[Provider], Answer]) -> dict[str, Answer | CloudLayerError]:
    """Each provider's answer, or the error that it gave, by name and in order; all are asked at once."""

    def ask(name: str) -> Answer | CloudLayerError:
        try:
            return question(connect(name))
        except CloudLayerError as error:
            return error

    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        return dict(zip(names, pool.map(ask, names), strict=True))
