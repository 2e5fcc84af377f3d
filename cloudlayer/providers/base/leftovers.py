"""What creates that were broken off left behind, told and deleted by those parts of a driver that make such pieces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.retries import Retries
from cloudlayer.resources import Leftover


class Maker(Protocol):
    """A part of a driver that makes pieces for its things."""

    def leftovers(self, labels: Mapping[str, str], deadline: Deadline) -> Iterable[Leftover]:
        """Its pieces with all of `labels` whose thing is not there."""
        ...

    def delete_leftover(self, leftover: Leftover, deadline: Deadline) -> bool:
        """Delete one of them, unless it is in use after all; False if it is of another maker's kind."""
        ...


@dataclass(frozen=True, slots=True)
class Leftovers:
    """The pieces of all makers of one provider."""

    makers: Sequence[Maker]
    retries: Retries

    def all(self, labels: Mapping[str, str], deadline: Deadline | None) -> list[Leftover]:
        """Pieces with all of `labels` whose thing is not there."""
        bound = self.retries.deadline(deadline)
        return [leftover for maker in self.makers for leftover in maker.leftovers(labels, bound)]

    def delete(self, leftover: Leftover, deadline: Deadline | None) -> None:
        """Delete one of them; InvalidSpec for what `all` never tells."""
        bound = self.retries.deadline(deadline)
        if not any(maker.delete_leftover(leftover, bound) for maker in self.makers):
            raise InvalidSpec(f'leftover: a {leftover.kind} "{leftover.name}" is none of those that leftovers() tells')
