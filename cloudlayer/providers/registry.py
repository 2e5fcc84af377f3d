"""Which providers there are, and how one is connected. A provider is a plug-in: an entry point of `cloudlayer.providers`.

An entry point leads to a function `connect(region: str | None, options: Mapping[str, str]) -> Provider`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.interfaces import Provider

GROUP: Final = "cloudlayer.providers"


def provider_names() -> list[str]:
    """The names of all installed providers."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def connect(name: str, *, region: str | None = None, **options: Any) -> Provider:
    """Connect a provider by name, or by "name:region". Options are the provider's own; each checks its keys.

    Raises InvalidSpec for a name that no plug-in has, Unsupported where its SDK is not installed.
    """
    base, _, suffix = name.partition(":")
    return _load(base)(region or suffix or None, options)


def _load(name: str) -> Callable[[str | None, Mapping[str, Any]], Provider]:
    found: list[EntryPoint] = list(entry_points(group=GROUP, name=name))
    if not found:
        raise InvalidSpec(f'no provider is called "{name}"; installed: {", ".join(provider_names())}')
    try:
        connector: Callable[[str | None, Mapping[str, Any]], Provider] = found[0].load()
    except ModuleNotFoundError as error:
        raise Unsupported(f"needs the package {error.name}: pip install 'cloudlayer[{name}]'", provider=name) from error
    return connector
