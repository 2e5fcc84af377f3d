"""Where an argument points to: an object of a store, or a file of this host, which is one of the store file://."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloudlayer.errors import InvalidSpec

if TYPE_CHECKING:
    from cloudlayer.storage.bulk import Tree
    from cloudlayer.storage.client import Client
    from cloudlayer.storage.store import Store

STREAM: Final = "-"
"""Standard input, or standard output."""


@dataclass(frozen=True)
class Place:
    """A key of a store, as it was given."""

    given: str
    store: Store
    key: str

    @property
    def uri(self) -> str:
        """The whole URI."""
        return self.store.uri + self.key

    @property
    def path(self) -> Path | None:
        """The path on this host, if it is one."""
        from cloudlayer.storage.transfers.local import FILES

        return Path(f"/{self.key}") if self.store.uri == FILES else None

    @property
    def is_folder(self) -> bool:
        """Whether it can only be a folder: it says so by its last slash, or is one of this host."""
        return not self.key or self.key.endswith("/") or bool(self.path and self.path.is_dir())

    def tree(self) -> Tree:
        """All that is below it."""
        from cloudlayer.storage.bulk import Tree

        return Tree.at(self.store, self.key)

    def below(self, name: str) -> Place:
        """The object `name` in this folder."""
        key = self.tree().prefix + name
        return Place(self.given, self.store, key)


def place(client: Client, given: str) -> Place:
    """What a URI or a path points to. InvalidSpec for `-`, and for what is no URI."""
    if given == STREAM:
        raise InvalidSpec("- stands for standard input or output, which this cannot be: write ./- for a file of that name")
    if "://" in given:
        return Place(given, *client.resolve(given))
    # Not `resolve`: what a link points to is another thing than the link.
    path = Path(given).absolute()
    parts: list[str] = []
    for part in path.parts[1:]:
        parts = parts[:-1] if part == ".." else [*parts, part]
    slash = "/" if given.endswith("/") and parts else ""
    return Place(given, *client.resolve(f"file:///{'/'.join(parts)}{slash}"))
