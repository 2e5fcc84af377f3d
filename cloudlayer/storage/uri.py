"""URIs of objects: which store, and which key in it. Keys are taken literally; nothing in a URI is percent-decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cloudlayer.errors import InvalidSpec

_URI: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9.-]*)(?:\+(?P<label>[A-Za-z0-9_-]+))?://(?P<rest>.*)", re.DOTALL)
_QUERY: Final = re.compile(r"(https?(?:\+[^:/]*)?://[^?]*)\?.*", re.DOTALL | re.IGNORECASE)
KEY_ONLY: Final = frozenset({"blob", "data", "dropbox"})
"""Schemes without a bucket or host: all that follows "://" is the key."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where an object is. `authority` is the bucket, container or host with its port; `label` names one of several accounts."""

    scheme: str
    authority: str
    key: str
    label: str | None = None

    @property
    def account(self) -> str:
        """The scheme with its label: the name of the account in the configuration."""
        return f"{self.scheme}+{self.label}" if self.label else self.scheme

    def __str__(self) -> str:
        return f"{self.account}://{self.key if self.scheme in KEY_ONLY else f'{self.authority}/{self.key}'}"


def shown(uri: str) -> str:
    """A URI as messages have it: one of the web without its query, which may be a signature."""
    return _QUERY.sub(r"\1", uri)


def parse(uri: str) -> Location:
    """Read a URI. InvalidSpec for what is none, or has a password in it."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise InvalidSpec(f'"{shown(uri)}" is no URI of an object: write SCHEME://BUCKET/KEY, such as s3://bucket/folder/name')
    scheme, label, rest = match["scheme"], match["label"], match["rest"]
    if scheme in KEY_ONLY:
        return Location(scheme, "", rest, label)
    authority, _, key = rest.partition("/")
    if ":" in authority.rpartition("@")[0]:
        raise InvalidSpec(f"a URI of {scheme} has a password in it: put it into the configuration file, and change it")
    return Location(scheme, authority, key, label)
