"""This host as a provider: it is cut into machines that never take more of it than there is.

    cloudlayer.connect("local", state="/var/lib/cloudlayer")

A balancer is a process of its own, a volume a file, and a group is kept by whoever looks at it. The records of them all lie in
`state`; without the option CLOUDLAYER_LOCAL_STATE names the folder, else it is /var/lib/cloudlayer for root and
~/.local/state/cloudlayer for others. All fleets that use the same folder share the host.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudlayer.errors import InvalidSpec

if TYPE_CHECKING:
    from cloudlayer.providers.local.provider import LocalProvider

__all__ = ["connect"]


def connect(region: str | None, options: Mapping[str, Any]) -> LocalProvider:
    """Connect this host, whose one region is "here"."""
    from cloudlayer.providers.local.host import measure
    from cloudlayer.providers.local.provider import LocalProvider

    if region not in (None, "here"):
        raise InvalidSpec(f'local: "{region}" is no region: this host has one, "here"')
    unknown = sorted(set(options) - {"state"})
    if unknown:
        raise InvalidSpec(f"local.{unknown[0]}: unknown option; known here: state")
    state = state_folder(options.get("state"))
    return LocalProvider(state, partial(measure, state))


def state_folder(option: object = None) -> Path:
    """Where the machines' records lie."""
    if option is not None and not isinstance(option, str | Path):
        raise InvalidSpec(f"local.state: give a folder, not {option!r}")
    named = option or os.environ.get("CLOUDLAYER_LOCAL_STATE")
    if named:
        return Path(named).expanduser().absolute()
    return Path("/var/lib/cloudlayer") if os.geteuid() == 0 else Path.home() / ".local/state/cloudlayer"
