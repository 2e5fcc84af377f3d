"""Accounts: what the configuration file, or a mapping of the same shape, says of the stores.

    [stores.s3]                          # s3://BUCKET/KEY
    region = "eu-west-1"
    [stores."s3+team"]                   # s3+team://BUCKET/KEY, an account of its own
    profile = "team"
    [stores.blob]                        # what blob://KEY stands for; data://KEY is another such alias
    uri = "s3+team://models/current"

The settings of an account are checked by its store, when it is first connected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudlayer import configuration
from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import Spec, checked
from cloudlayer.storage.registry import STORES
from cloudlayer.storage.uri import Location, parse

ALIASES: Final = ("blob", "data")
"""The schemes that stand for a store of the user's choice."""


class _Alias(Spec):
    """What an alias stands for."""

    uri: str


class Accounts:
    """The accounts of one client. `place` is where they stand, for messages; nothing tells their settings."""

    def __init__(self, sections: Mapping[str, Mapping[str, Any]], place: str) -> None:
        self.place = place
        self._sections = sections
        for name in sections:
            self._check_name(name)

    def settings(self, account: str) -> dict[str, Any]:
        """The settings of an account, with what the environment has in place of "env:NAME"; none are no error."""
        return configuration.resolved(self._sections.get(account, {}), f"{self.place}stores.{account}")

    def alias(self, location: Location) -> Location:
        """Where a URI of the alias leads."""
        account = location.account
        section = self._sections.get(account)
        if section is None:
            where = f"into {configuration.path()}" if self.place else "into what is given to connect"
            raise InvalidSpec(f'{account}:// stands for no store: write stores.{account} with uri = "s3://BUCKET/" {where}')
        place = f"{self.place}stores.{account}"
        try:
            target = parse(checked(_Alias, section, place).uri)
        except InvalidSpec as error:
            raise InvalidSpec(f"{place}.uri: {error}" if place not in str(error) else str(error)) from None
        if target.scheme in ALIASES:
            raise InvalidSpec(f"{place}.uri: {target} is an alias itself: write what it stands for")
        folder = target.key if not target.key or target.key.endswith("/") else f"{target.key}/"
        return Location(target.scheme, target.authority, folder + location.key, target.label)

    def told(self, error: InvalidSpec) -> InvalidSpec:
        """An error of a store's settings, with the place where they stand."""
        lines = str(error).splitlines()
        return InvalidSpec("\n".join(self.place + line if line.startswith("stores.") else line for line in lines))

    def _check_name(self, name: str) -> None:
        try:
            location = parse(f"{name}://x/")
        except InvalidSpec:
            raise InvalidSpec(f"{self.place}stores.{name} is no account: write a scheme, or SCHEME+LABEL") from None
        if location.scheme not in ALIASES and location.scheme not in STORES:
            known = ", ".join([*STORES, *ALIASES])
            raise InvalidSpec(f"{self.place}stores.{name}: {location.scheme} is no scheme of a store; known: {known}")


def accounts(stores: Mapping[str, Mapping[str, Any]] | None) -> Accounts:
    """The accounts of a mapping, or of the configuration file where there is none."""
    if stores is not None:
        return Accounts(stores, "")
    read = configuration.read()
    return Accounts(read.stores, f"{read.file}: ")
