"""Which providers there are, and how one is connected. A provider is a plug-in: an entry point of `cloudlayer.providers`.

An entry point leads to a function `connect(region: str | None, options: Mapping[str, str]) -> Provider`. The module of the
entry point may also have `policy() -> str`: the least permissions that the provider needs, in its own form; it needs neither
the SDK nor credentials. A plug-in that is many providers in one has `OPTION`, the option that chooses among them: its name is
then followed by what is chosen, and the region comes after that ("libcloud:vultr:ewr").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from cloudlayer.configuration import path
from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.interfaces import Provider
from cloudlayer.providers.profiles import Profile, profiles
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
    return profile.provider.partition(":")[0] if profile else base


def is_undecided(name: str) -> bool:
    """Whether the name alone connects nothing: the plug-in is many providers in one, and nothing says which."""
    base, _, suffix = name.partition(":")
    profile = profiles().get(base)
    found = list(entry_points(group=GROUP, name=plug_in(name)))
    option = getattr(import_module(found[0].module), "OPTION", None) if found else None
    said = profile is not None and (option in profile.options or ":" in profile.provider)
    return option is not None and not suffix and not said


def connect(name: str, *, region: str | None = None, **options: Any) -> Provider:
    """Connect a provider or a profile by name, or by "name:region". Options are the provider's own; each checks its keys.

    What is given here counts before what the profile says. Raises InvalidSpec for a name that nothing has, Unsupported where
    the provider's SDK is not installed.
    """
    base, _, suffix = name.partition(":")
    profile = profiles().get(base)
    if profile is None:
        connector = _load(base)
        suffix, options = _chosen(base, suffix, options)
        return connector(region or suffix or None, options)
    try:
        kind, choice = _kind(profile)
        connector = _load(kind)
        usual, said = _chosen(kind, choice, dict(profile.options))
        options = {**said, **options}
        if profile.name == kind:
            suffix, options = _chosen(kind, suffix, options)
        provider = connector(region or suffix or profile.region or usual or None, options)
    except InvalidSpec as error:
        place = f"{path()}: providers.{profile.name}: "
        raise InvalidSpec("\n".join(place + line for line in str(error).splitlines())) from None
    return provider if profile.name == kind else renamed(provider, profile.name)


def policy(name: str) -> str | None:
    """The least permissions that a provider needs, in its own form; None where it needs none."""
    asked = getattr(import_module(_entry(plug_in(name)).module), "policy", None)
    return None if asked is None else str(asked())


def _kind(profile: Profile) -> tuple[str, str]:
    """The plug-in of a profile, and what follows the plug-in's name there."""
    kind, _, choice = profile.provider.partition(":")
    if kind != profile.name and profile.name in provider_names():
        raise InvalidSpec(f'this name is a provider\'s own and cannot stand for "{profile.provider}": choose another')
    return kind, choice


def _chosen(kind: str, suffix: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The region in what follows a plug-in's name, and the options, with what is chosen there among its providers."""
    option = getattr(import_module(_entry(kind).module), "OPTION", None)
    if option is None or not suffix:
        return suffix, options
    choice, _, rest = suffix.partition(":")
    return rest, {**options, option: choice}


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
