"""Who is told how a run over many objects goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cloudlayer.storage.bulk.differences import Step
from cloudlayer.storage.objects import ObjectInfo

if TYPE_CHECKING:
    from cloudlayer.storage.bulk.report import Failure, Report


def _ignore(said: object) -> None:
    """Hear nothing."""


def _agree(count: int, doomed: Iterator[tuple[str, ObjectInfo]]) -> bool:
    return True


@dataclass(frozen=True)
class Ears:
    """Functions that are called as things happen, by one thread at a time.

    `on_step` hears of each object that was copied, or would be; `on_failure` of each that could not be; `progress` of every
    change of the report. `agree` is given how many objects are to be deleted, and them: nothing is deleted unless it says True.
    """

    on_step: Callable[[Step], object] = _ignore
    on_failure: Callable[[Failure], object] = _ignore
    progress: Callable[[Report], object] = _ignore
    agree: Callable[[int, Iterator[tuple[str, ObjectInfo]]], bool] = _agree


DEAF: Final = Ears()
