"""Which providers there are, and how one is connected. A provider is a plug-in: an entry point of `cloudlayer.providers`.

An entry point leads to a function `connect(region: str | None, options: Mapping[str, str]) -> Provider`. The module of the
entry point may also have `policy() -> str`: the least permissions that the provider needs, in its own form; it needs neither
the SDK nor credentials.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.interfaces import Provider
from cloudlayer.providers.profiles import Profile, path, profiles
from cloudlayer.providers.renamed import renamed

GROUP: Final = "cloudlayer.providers"


def provider_names() -> list[str]:
    """The names of all installed providers."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def known_names() -> list[str]:
    """All that can be connected by name: installed providers, and the profiles of the configuration file."""
    return sorted({*provider_names(), *profiles()})


def plug_in(name: str) -> str:
    """The installed provider that "name" or "name:region" leads to, which is another one where it names a profile."""
    base = name.partition(":")[0]
    profile = profiles().get(base)
    return profile.provider if profile else base


def connect(name: str, *, region: str | None = None, **options: Any) -> Provider:
    """Connect a provider or a profile by name, or by "name:region". Options are the provider's own; each checks its keys.

    What is given here counts before what the profile says. Raises InvalidSpec for a name that nothing has, Unsupported where
    the provider's SDK is not installed.
    """
    base, _, suffix = name.partition(":")
    profile = profiles().get(base)
    if profile is None:
        return _load(base)(region or suffix or None, options)
    try:
        provider = _load(_kind(profile))(region or suffix or profile.region, {**profile.options, **options})
    except InvalidSpec as error:
        place = f"{path()}: providers.{profile.name}: "
        raise InvalidSpec("\n".join(place + line for line in str(error).splitlines())) from None
    return provider if provider.name == profile.name else renamed(provider, profile.name)


def policy(name: str) -> str | None:
    """The least permissions that a provider needs, in its own form; None where it needs none."""
    asked = getattr(import_module(_entry(plug_in(name)).module), "policy", None)
    return None if asked is None else str(asked())


def _kind(profile: Profile) -> str:
    if profile.provider != profile.name and profile.name in provider_names():
        raise InvalidSpec(f'this name is a provider\'s own and cannot stand for "{profile.provider}": choose another')
    return profile.provider


def _entry(name: str) -> EntryPoint:
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        raise InvalidSpec(f'no provider is called "{name}"; installed: {", ".join(provider_names())}')
    return found[0]


def _load(name: str) -> Callable[[str | None, Mapping[str, Any]], Provider]:
    entry = _entry(name)
    try:
        connector: Callable[[str | None, Mapping[str, Any]], Provider] = entry.load()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _required(entry):
            raise  # no SDK, but a fault of the plug-in or of ours
        raise Unsupported(f"needs the package {error.name}: pip install 'cloudlayer[{name}]'", provider=name) from error
    return connector


def _required(entry: EntryPoint) -> set[str]:
    """The packages that the plug-in's distribution says it needs, as they are imported where the two names are alike."""
    names = (re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in (entry.dist and entry.dist.requires) or ())
    return {name.lower().replace("-", "_") for name in names}
