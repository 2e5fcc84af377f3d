"""Named profiles: a provider with its options under a name of the user's own, in a configuration file.

    [providers.work]                     # "work", or "work:eu-west-1", then stands wherever a provider is named
    provider = "aws"
    region = "us-east-1"
    profile = "company"                  # and every other option of the provider

A profile by the name of its provider ("[providers.aws]") sets that provider's own defaults, and `provider` may be left out.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ConfigDict, Field

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import Name, Spec, checked

VARIABLE: Final = "CLOUDLAYER_CONFIG"
_SECRET: Final = ("secret", "password", "token", "private", "credential")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a name stands for; `options` are the provider's own."""

    name: str
    provider: str
    region: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


def path() -> Path:
    """The configuration file: what CLOUDLAYER_CONFIG names, else ~/.config/cloudlayer/config.toml."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else Path.home() / ".config/cloudlayer/config.toml"


def profiles() -> dict[str, Profile]:
    """The profiles of the configuration file by name; none where there is no file.

    Raises InvalidSpec for a file that is wrong, or that has a secret in it and can be read by others.
    """
    file = path()
    try:
        mode = file.stat().st_mode
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if VARIABLE in os.environ:
            raise InvalidSpec(f"{VARIABLE}: {file} is not there: make it, or unset the variable") from None
        return {}
    except OSError as error:
        raise InvalidSpec(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSpec(f"{file} is not TOML: {error}") from None
    sections = checked(_File, document, f"{file}: ").providers
    found = {name: _profile(name, section) for name, section in sections.items()}
    for profile in found.values():
        secret = _secret_in(profile.options)
        if secret and mode & 0o077:
            raise InvalidSpec(f"{file}: others can read it, and providers.{profile.name}.{secret} is secret: chmod 600 {file}")
    return found


class _Section(Spec):
    """One profile; what else stands in it are options, which the provider itself checks."""

    model_config = ConfigDict(extra="allow")

    provider: str | None = None
    region: str | None = None


class _File(Spec):
    """The whole file."""

    providers: dict[Name, _Section] = Field(default_factory=dict)


def _profile(name: str, section: _Section) -> Profile:
    return Profile(name, section.provider or name, section.region, dict(section.model_extra or {}))


def _secret_in(options: Mapping[str, Any]) -> str | None:
    """The first option that is secret by its name, with its place."""
    for name, value in options.items():
        if any(part in name.lower() for part in _SECRET):
            return name
        if isinstance(value, Mapping) and (inner := _secret_in(value)):
            return f"{name}.{inner}"
    return None
