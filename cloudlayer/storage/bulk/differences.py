"""What has to be done to make a target equal to its source: two ordered lists and the journal, read side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from cloudlayer.storage.bulk.seen import Pair, is_same, look
from cloudlayer.storage.bulk.trees import Listed
from cloudlayer.storage.objects import ObjectInfo

Value = TypeVar("Value")


class Action(StrEnum):
    """What is to be done with a name of the source."""

    COPY = "copy"
    COMPARE = "compare"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Step:
    """A name of the source with what the lists tell, and why it is that action. `known`: the journal has it just as it is."""

    action: Action
    name: str
    source: ObjectInfo
    target: ObjectInfo | None
    why: str = ""
    known: bool = False


@dataclass(frozen=True, slots=True)
class Surplus:
    """A name that the target alone has."""

    name: str
    target: ObjectInfo


def steps(
    source: Listed, target: Listed, pairs: Iterator[tuple[str, Pair]], *, overwrite: bool = False, checksum: bool = False
) -> Iterator[Step | Surplus]:
    """One for each name that is at the source or at the target, in their order.

    `overwrite`: what the journal does not know to be the same is copied. `checksum`: what would be kept is to be compared.
    """
    pair_of = _Follower(pairs)
    for name, here, there in _joined(source, target):
        if here is not None:
            pair = pair_of(name)
            known = pair is not None and there is not None and pair == Pair(look(here), look(there))
            why = _difference(here, there, pair, overwrite=overwrite)
            kept = Action.COMPARE if checksum else Action.KEEP
            yield Step(Action.COPY if why else kept, name, here, there, why, known)
        elif there is not None:
            yield Surplus(name, there)


def _difference(source: ObjectInfo, target: ObjectInfo | None, pair: Pair | None, *, overwrite: bool) -> str:
    """Why the two are not the same; empty if they are, as far as lists and journal tell."""
    if target is None or source.size != target.size:
        return "another size" if target else "new"
    if pair:
        if is_same(pair.target, look(target)) is False:
            return "changed at the target"
        since = is_same(pair.source, look(source))
        if since is not None:
            return "" if since else "changed at the source"
    if overwrite:
        return "not known to be the same"
    if source.modified and target.modified and source.modified <= target.modified:
        return ""
    return "newer at the source"


def _joined(source: Listed, target: Listed) -> Iterator[tuple[str, ObjectInfo | None, ObjectInfo | None]]:
    """Every name of two ordered lists, with what each has of it."""
    here, there = next(source, None), next(target, None)
    while here or there:
        name = min(one[0] for one in (here, there) if one)
        left = here[1] if here and here[0] == name else None
        right = there[1] if there and there[0] == name else None
        yield name, left, right
        here = next(source, None) if left else here
        there = next(target, None) if right else there


class _Follower:
    """Looks up names that come in order, in pairs that come in the same order."""

    def __init__(self, pairs: Iterator[tuple[str, Pair]]) -> None:
        self._pairs = pairs
        self._next = next(pairs, None)

    def __call__(self, name: str) -> Pair | None:
        while self._next and self._next[0] < name:
            self._next = next(self._pairs, None)
        return self._next[1] if self._next and self._next[0] == name else None
