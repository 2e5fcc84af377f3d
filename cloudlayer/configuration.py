"""The configuration file: accounts under names of the user's own, for providers and for stores of objects.

    [providers.work]                     # see cloudlayer.providers.profiles
    [stores."s3+team"]                   # see cloudlayer.storage.settings

Whoever reads a section checks what stands in it; here it is one file, one place, and one rule for secrets: a file that others
can read has none. A text "env:NAME" is no secret, and stands for the environment variable NAME in the settings of stores.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import Name, Spec, checked

VARIABLE: Final = "CLOUDLAYER_CONFIG"
ENVIRONMENT: Final = "env:"
_SECRET: Final = ("secret", "password", "token", "private", "credential", "authorization", "cookie", "api_key", "api-key")
_SECRET_NAMES: Final = {
    "providers": {"account_key"},
    "stores": {"account_key", "connection_string", "key", "passphrase", "temp_url_key"},
}
_PATHS: Final = ("credentials", "_file")
"""How names end of what sounds secret, and is the path of a file that is."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the file says; both are empty where there is no file."""

    file: Path
    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    stores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)


class _File(Spec):
    """The whole file."""

    providers: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    stores: dict[str, dict[str, Any]] = Field(default_factory=dict)


def path() -> Path:
    """The configuration file: what CLOUDLAYER_CONFIG names, else ~/.config/cloudlayer/config.toml."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else Path.home() / ".config/cloudlayer/config.toml"


def read() -> Configuration:
    """Read the configuration file.

    Raises InvalidSpec for a file that is wrong, or that has a secret in it and can be read by others.
    """
    file = path()
    try:
        mode = file.stat().st_mode
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if VARIABLE in os.environ:
            raise InvalidSpec(f"{VARIABLE}: {file} is not there: make it, or unset the variable") from None
        return Configuration(file)
    except OSError as error:
        raise InvalidSpec(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSpec(f"{file} is not TOML: {error}") from None
    sections = checked(_File, document, f"{file}: ")
    if mode & 0o077:
        for section in ("providers", "stores"):
            for secret in secrets_in(getattr(sections, section), _SECRET_NAMES[section]):
                raise InvalidSpec(f"{file}: others can read it, and {section}.{secret} is secret: chmod 600 {file}")
    return Configuration(file, sections.providers, sections.stores)


def secrets_in(settings: Mapping[str, Any], names: set[str]) -> Iterator[str]:
    """The places of all settings that are secret by their name: one of `names`, or one that says so."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in secrets_in(value, names))
        elif not (isinstance(value, str) and value.startswith(ENVIRONMENT)) and _is_secret(name, names):
            yield name


def _is_secret(name: str, names: set[str]) -> bool:
    name = name.lower()
    return name in names or (not name.endswith(_PATHS) and any(part in name for part in _SECRET))


def resolved(settings: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The settings with every "env:NAME" replaced by what the environment has; InvalidSpec, with `place`, where it has none."""
    return {name: _resolved(value, f"{place}.{name}") for name, value in settings.items()}


def _resolved(value: Any, place: str) -> Any:
    if isinstance(value, Mapping):
        return resolved(value, place)
    if not isinstance(value, str) or not value.startswith(ENVIRONMENT):
        return value
    name = value.removeprefix(ENVIRONMENT)
    try:
        return os.environ[name]
    except KeyError:
        raise InvalidSpec(f"{place}: the environment has no variable {name}: set it") from None
