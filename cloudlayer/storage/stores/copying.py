"""Copies that a service makes by itself, of one version of the object: what goes with the bytes was told before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cloudlayer.errors import AlreadyExists, Changed, TransientError
from cloudlayer.storage.objects import ObjectInfo
from cloudlayer.storage.store import Store

_MOST: Final = 4
"""How often a copy is begun anew, since another writer came between."""


def of_one_version(store: Store, key: str, if_match: str | None, copy: Callable[[ObjectInfo], ObjectInfo]) -> ObjectInfo:
    """What `copy` makes of the object as `head` tells it, under the condition that it is still that one.

    Such a condition and that of the target are refused alike: which of them it was is looked at. Changed if the etag is not
    `if_match`; without one, the copy is begun anew.
    """
    for _ in range(_MOST):
        source = store.head(key)
        if if_match not in {None, source.etag}:
            raise Changed(f"{key} is another one by now: its etag is {source.etag}, not {if_match}", provider=store.uri)
        try:
            return copy(source)
        except (AlreadyExists, Changed):
            if store.head(key).etag == source.etag:
                raise
    if if_match is not None:
        raise Changed(f"{key} is written over again and again", provider=store.uri)
    raise TransientError(f"{key} was written over each time that it was to be copied", provider=store.uri, code="Changed")
