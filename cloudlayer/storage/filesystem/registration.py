"""One class a scheme, or a scheme with its label, as fsspec wants it."""

from __future__ import annotations

from functools import cache
from typing import Any

from fsspec import register_implementation

from cloudlayer.errors import InvalidSpec
from cloudlayer.storage.filesystem.base import FileSystem
from cloudlayer.storage.registry import STORES
from cloudlayer.storage.uri import parse


class BlobFileSystem(FileSystem):
    """What blob:// stands for in the configuration."""

    protocol = "blob"


@cache
def file_system(account: str) -> type[FileSystem]:
    """The class of a scheme, or of a scheme with its label ("s3+team"). InvalidSpec for one that is unknown."""
    if account == BlobFileSystem.protocol:
        return BlobFileSystem
    scheme = parse(f"{account}://").scheme
    if scheme not in {*STORES, "blob"}:
        raise InvalidSpec(f'"{scheme}" is no scheme of a store; known: {", ".join([*STORES, "blob"])}')
    return type(f"{account.title()}FileSystem", (FileSystem,), {"protocol": account, "__doc__": f"Objects of {account}://."})


def register(*accounts: str) -> None:
    """Have fsspec read these schemes, with labels or without, through cloudlayer, whatever it read them through before."""
    for account in accounts:
        register_implementation(account, file_system(account), clobber=True)


def made_again(account: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> FileSystem:
    """A file system as another process had it: what pickle calls, since classes are made here and are in no module."""
    return file_system(account)(*arguments, **options)
