"""What a killed process leaves of volumes, snapshots, balancers and groups: folders that are half made or half removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cloudlayer.providers.local.launch import PROVIDER, REGION
from cloudlayer.providers.local.shelf import Shelf
from cloudlayer.resources import Leftover


def leftovers(shelves: Sequence[Shelf[Any]], labels: Mapping[str, str]) -> Iterator[Leftover]:
    """The half made and half removed things with all of `labels`; making a thing anew by its token starts over."""
    for shelf in shelves:
        for name, record in shelf.remains():
            if labels.items() <= record.all_labels.items():
                yield Leftover(
                    id=name,
                    kind=shelf.kind,
                    provider=PROVIDER,
                    region=REGION,
                    name=record.name,
                    labels=record.all_labels,
                    native=shelf.path(name),
                )


def delete_leftover(shelves: Sequence[Shelf[Any]], leftover: Leftover) -> None:
    """Remove the folder, unless somebody is at it after all."""
    for shelf in shelves:
        if shelf.kind == leftover.kind:
            shelf.clear(leftover.id)
