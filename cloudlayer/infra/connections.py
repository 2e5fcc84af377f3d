"""The providers that a plug-in process has connected, each once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import Provider
from cloudlayer.providers import registry


def connected(provider: str, options: Mapping[str, Any] | None = None, region: str | None = None) -> Provider:
    """A provider by "name:region" or profile; `options` are its own, and count before those of the configuration file.

    `region` is where a thing is: it counts where the name alone now leads elsewhere, as with another AWS_REGION, or nowhere.
    """
    text = json.dumps(dict(options or {}), sort_keys=True)
    try:
        found = _connected(provider, text, None)
    except InvalidSpec:
        if region is None:
            raise
        return _connected(provider, text, region)
    return found if region in (None, found.region) else _connected(provider, text, region)


@cache
def _connected(provider: str, options: str, region: str | None) -> Provider:
    given = json.loads(options)
    if registry.plug_in(provider) == "simulated":
        given.setdefault("clock", "real")  # as a fleet does: a world's clock is one for all
    return registry.connect(provider, region=region, **given)
