"""What may be set when a driver of Libcloud is connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, Strict

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import Spec, checked


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], Strict(False), BeforeValidator(_listed)]


class Options(Spec):
    """Options of `connect("libcloud:NAME", …)`.

    `driver` is Libcloud's name of the driver. `key`, `secret`, `host`, `port` and `secure` are those of every driver; what
    else is given is handed to the driver as it is, by the name that its constructor has for it (`project`, `username`,
    `ex_project_id`). `machine_types` limits what is on offer, by patterns with `*` and `?`; `prices` is the path of a price
    file, and `image` what instances start from that name none.
    """

    model_config = ConfigDict(extra="allow")

    driver: str
    key: str | None = Field(default=None, repr=False)
    secret: str | None = Field(default=None, repr=False)
    host: str | None = None
    port: Annotated[int, BeforeValidator(_number)] | None = None
    secure: Annotated[bool, Field(strict=False)] | None = None
    machine_types: Names = ()
    prices: str | None = None
    image: str | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """What is the driver's own: the arguments of its constructor by name."""
        named = {name: getattr(self, name) for name in ("key", "secret", "host", "port", "secure")}
        return {**{name: value for name, value in named.items() if value is not None}, **(self.model_extra or {})}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that are shown nowhere: all that is the driver's own, but for what tells where it is."""
        plain = {"host", "port", "secure"}
        return tuple(text for name, value in self.arguments.items() if name not in plain and (text := _text(value)))

    def __repr__(self) -> str:
        """Without what is secret, or may be."""
        return f"Options(driver={self.driver!r})"


def read(options: Mapping[str, Any]) -> Options:
    """The options, checked; those that are the driver's own are checked by `drivers.arguments`."""
    if "driver" not in options:
        raise InvalidSpec('libcloud: which driver? name it, as in "libcloud:vultr", or by the option driver')
    return checked(Options, dict(options), "libcloud")


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) > len("none") else ""
