"""A tree of objects, listed in the order of its names, in flat memory and a page ahead of whoever reads it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

from cloudlayer.errors import InvalidSpec, NotFound, UnknownCloudError
from cloudlayer.storage.bulk.globs import Globs
from cloudlayer.storage.bulk.spool import Spool
from cloudlayer.storage.objects import Fault, ObjectInfo, Page
from cloudlayer.storage.store import Store
from cloudlayer.storage.transfers.local import FILES

_AHEAD: Final = 2
"""Pages that are there before they are asked for."""

Listed: TypeAlias = Iterator[tuple[str, ObjectInfo]]


@dataclass(frozen=True, slots=True)
class Tree:
    """All objects of a store whose keys start with `prefix`, which is empty or ends in a slash."""

    store: Store
    prefix: str

    @classmethod
    def at(cls, store: Store, key: str) -> Tree:
        """The tree below a key, with or without its last slash."""
        return cls(store, key if not key or key.endswith("/") else f"{key}/")

    @property
    def uri(self) -> str:
        """Where it is."""
        return self.store.uri + self.prefix

    def check_there(self) -> None:
        """NotFound unless a folder of this host that the tree is, is there."""
        path = Path(f"/{self.prefix}")
        if self.store.uri == FILES and not path.is_dir():
            raise NotFound(f"{path} is no folder that is there")

    def may_be_empty(self) -> bool:
        """Whether that there is nothing in it can be told from that there is no such tree."""
        return self.store.uri == FILES

    def objects(self, globs: Globs, met: Callable[[Fault], object]) -> Listed:
        """Names below the prefix with what the list tells, in order of the names' UTF-8 bytes; what is no object is `met`.

        Whether or not it is meant itself: objects that are meant may lie below it, unless all that lies there is excluded.
        UnknownCloudError if a store that lists in order does not.
        """
        named = self._named(globs, met)
        return self._checked(named) if self.store.capabilities["ordered_list"] else _ordered(named)

    def _checked(self, named: Listed) -> Listed:
        """The same, as long as each name comes after the one before: a list that is out of order cannot be compared."""
        before: str | None = None
        for name, info in named:
            if before is not None and name <= before:
                raise UnknownCloudError(
                    f"the server's list is out of order, {name} comes after {before}: what it has cannot be told from what it"
                    " has not, so nothing was deleted. List in order of the names' UTF-8 bytes at the server, as its protocol"
                    " demands, or reach it by another of its protocols",
                    provider=self.store.uri,
                )
            before = name
            yield name, info

    def _named(self, globs: Globs, met: Callable[[Fault], object]) -> Listed:
        start = len(self.prefix)
        for page in ahead(self.store.list(self.prefix)):
            for fault in page.faults:
                if not globs.excludes(f"{fault.key[start:].removesuffix('/')}/"):
                    met(replace(fault, key=fault.key[start:]))
            for info in page.objects:
                if globs.mean(info.key[start:]):
                    yield info.key[start:], info


def check_apart(source: Tree, target: Tree) -> None:
    """InvalidSpec if one of the two trees is in the other."""
    first, second = source.uri, target.uri
    if first.startswith(second) or second.startswith(first):
        raise InvalidSpec(f"{first} and {second}: one is in the other, and would be read while it is written")


def _ordered(named: Listed) -> Listed:
    """The same in order of the names, by way of a file."""
    with closing(Spool()) as spool:
        for name, info in named:
            spool.add(name, info)
        yield from spool.items()


def ahead(pages: Iterator[Page]) -> Iterator[Page]:
    """The pages of a list, asked for by a thread of its own while those before them are at work."""
    ready: queue.Queue[Page | BaseException | None] = queue.Queue(_AHEAD)
    over = threading.Event()

    def hand(item: Page | BaseException | None) -> None:
        while not over.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=1)
                return

    def read() -> None:
        try:
            for page in pages:
                hand(page)
                if over.is_set():
                    return
            hand(None)
        except BaseException as error:
            hand(error)

    threading.Thread(target=read, name="list", daemon=True).start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        over.set()
