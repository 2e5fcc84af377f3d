"""Where the drivers differ, as data: where labels can be put, what a thing's own words mean, in which unit a price is.

A driver that is not in the table is used by Libcloud's base interface alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID

from cloudlayer.errors import InvalidSpec
from cloudlayer.labels import TOKEN
from cloudlayer.units import GIB, MIB

_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)

Form = Literal["mapping", "list"]
"""How a cloud keeps labels: as names with values, or as a list of words, each "name:value" then."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where labels are: the argument of the call that makes a thing (`within` it, where that holds more), and the thing's
    `extra` that tells them. `longest` is how many characters a word of a list may have."""

    argument: str
    extra: str
    form: Form = "mapping"
    within: str | None = None
    longest: int = 255

    def check(self, labels: Mapping[str, str]) -> None:
        """Raise InvalidSpec, a line a fault, for labels that are too long for a word of a list."""
        if self.form == "list":
            long = [name for name, value in labels.items() if len(_word(name, value)) > self.longest]
            if long:
                rule = f"name and value together are at most {self.longest - 1} characters here"
                raise InvalidSpec("\n".join(f"labels.{name}: {rule}" for name in long))

    def asked(self, labels: Mapping[str, str], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The arguments that put labels on what is made, beside what else is `given` in an argument that holds more."""
        kept: Any = [_word(name, value) for name, value in labels.items()] if self.form == "list" else dict(labels)
        return {self.argument: {**(given or {}).get(self.argument, {}), self.within: kept} if self.within else kept}

    def told(self, extra: Mapping[str, Any]) -> dict[str, str]:
        """The labels that a thing's `extra` tells."""
        found = extra.get(self.extra) or {}
        if isinstance(found, Mapping):
            return {str(name): str(value) for name, value in found.items()}
        pairs = (str(word).partition(":") for word in found)
        return {name: _value(name, value) for name, sign, value in pairs if sign}


@dataclass(frozen=True, slots=True)
class Money:
    """What a driver's prices are: their currency, and for how many hours each is. `listed` ones are of Libcloud's own file."""

    currency: str = "USD"
    hours: float = 1.0
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Adapter:
    """What is known of one driver beyond the base interface.

    `defaults` are arguments of its constructor that it is not used without, `key` what that calls the option of this name.
    `kept` is where labels of machines are, `volumes` where those of volumes are (`wire` puts EC2's there), `hidden` which of
    them are of the cloud's own use, `token` the argument of create_node that takes an attempt. `zone`, `size` and `thing` are
    the attributes that a location, a size, and a machine or volume are called by; `disk` is the unit of a size's disk in bytes,
    None where that is none to boot from; `unique_names` says that a name is used once. `images` are the arguments of
    list_images, `many_images` says that it takes long or many calls, `image_id` is the form of ids that get_image is asked for,
    `volume` arguments of create_volume, `smallest` the least GiB that it makes. `console` and `resize` are methods, and so is
    `snapshots`, with its arguments, which lists all of them: where there is none, they are asked for volume by volume. `wire`
    says that calls are completed below the driver (`wire.py`), `alone` that the cloud is the driver object itself, of which
    there is one.
    """

    defaults: Mapping[str, Any] = field(default_factory=dict)
    key: str = "key"
    kept: Kept | None = None
    volumes: Kept | None = None
    token: str | None = None
    money: Money | None = None
    zone: Literal["id", "name"] = "id"
    size: Literal["id", "name"] = "id"
    thing: Literal["id", "name"] = "id"
    image_id: str = ""
    hidden: tuple[str, ...] = ()
    disk: int | None = GIB
    images: Mapping[str, Any] = field(default_factory=dict)
    many_images: bool = False
    volume: Mapping[str, Any] = field(default_factory=dict)
    smallest: int = 1
    unique_names: bool = False
    console: str | None = None
    resize: str | None = None
    snapshots: tuple[str, Mapping[str, Any]] | None = None
    wire: bool = False
    alone: bool = False

    def id_of(self, thing: Any) -> str:
        """The id of a machine, volume or snapshot: what the cloud's other things know it by."""
        return str(getattr(thing, self.thing))


def _word(name: str, value: str) -> str:
    """A label as a word; a token without its hyphens, since there are clouds whose words have 50 characters at most."""
    return f"{name}:{value.replace('-', '') if name == TOKEN else value}"


def _value(name: str, value: str) -> str:
    return str(UUID(value)) if name == TOKEN and _HEXADECIMAL.fullmatch(value) else value


_TAGS: Final = Kept("ex_metadata", "tags")
_METADATA: Final = Kept("ex_metadata", "metadata")
_WORDS: Final = Kept("ex_tags", "tags", "list")
_LISTED: Final = Money(listed=True)
ADAPTERS: Final[Mapping[str, Adapter]] = {
    "dummy": Adapter(
        defaults={"creds": "cloudlayer"}, key="creds", kept=Kept("", "labels"), money=Money(), size="name", alone=True
    ),
    "ec2": Adapter(
        defaults={"signature_version": "4"},
        kept=_TAGS,
        volumes=_TAGS,
        token="ex_clienttoken",  # noqa: S106
        money=_LISTED,
        zone="name",
        image_id=r"ami-[0-9a-z]+",
        images={"ex_owner": "amazon"},
        many_images=True,
        hidden=("Name",),
        disk=None,
        volume={"ex_volume_type": "gp3"},
        console="ex_get_console_output",
        resize="ex_change_node_size",
        snapshots=("list_snapshots", {"owner": "self"}),
        wire=True,
    ),
    "eucalyptus": Adapter(kept=_TAGS, zone="name", hidden=("Name",)),
    "gce": Adapter(
        kept=Kept("ex_labels", "labels"),
        snapshots=("ex_list_snapshots", {}),
        money=_LISTED,
        zone="name",
        size="name",
        thing="name",
        disk=None,
        many_images=True,
        smallest=10,
        unique_names=True,
    ),
    "openstack": Adapter(
        kept=_METADATA, zone="name", size="name", console="ex_get_console_output", snapshots=("ex_list_snapshots", {})
    ),
    "ovh": Adapter(size="name"),
    "rackspace": Adapter(kept=_METADATA, zone="name", size="name", snapshots=("ex_list_snapshots", {})),
    "azure_arm": Adapter(
        kept=Kept("ex_tags", "tags"),
        volumes=Kept("ex_tags", "tags"),
        snapshots=("list_snapshots", {}),
        many_images=True,
        unique_names=True,
    ),
    "digitalocean": Adapter(kept=Kept("ex_create_attr", "tags", "list", within="tags"), money=Money()),
    "linode": Adapter(
        kept=Kept("ex_tags", "tags", "list", longest=50),
        volumes=Kept("tags", "tags", "list", longest=50),
        money=Money(),
        disk=MIB,
        smallest=10,
        unique_names=True,
    ),
    "scaleway": Adapter(kept=_WORDS, money=Money("EUR")),
    "vultr": Adapter(money=Money(hours=730.0), smallest=10),
}
"""By Libcloud's name of the driver."""


def adapter(name: str) -> Adapter:
    """What is known of a driver; nothing of one that is not in the table."""
    return ADAPTERS.get(name, Adapter())
