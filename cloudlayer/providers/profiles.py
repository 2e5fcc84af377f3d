"""Named profiles: a provider with its options under a name of the user's own, in a configuration file.

    [providers.work]                     # "work", or "work:eu-west-1", then stands wherever a provider is named
    provider = "aws"
    region = "us-east-1"
    profile = "company"                  # and every other option of the provider

A profile by the name of its provider ("[providers.aws]") sets that provider's own defaults, and `provider` may be left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict

from cloudlayer import configuration
from cloudlayer.specs import Spec, checked


@dataclass(frozen=True, slots=True)
class Profile:
    """What a name stands for; `options` are the provider's own."""

    name: str
    provider: str
    region: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


class _Section(Spec):
    """One profile; what else stands in it are options, which the provider itself checks."""

    model_config = ConfigDict(extra="allow")

    provider: str | None = None
    region: str | None = None


def profiles() -> dict[str, Profile]:
    """The profiles of the configuration file by name; none where there is no file. Errors are those of `configuration.read`."""
    read = configuration.read()
    return {name: _profile(name, section, f"{read.file}: providers.{name}") for name, section in read.providers.items()}


def _profile(name: str, said: Mapping[str, Any], place: str) -> Profile:
    section = checked(_Section, said, place)
    return Profile(name, section.provider or name, section.region, dict(section.model_extra or {}))
