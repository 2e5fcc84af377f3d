"""Machines that exist already, reached by SSH: an inventory says which there are and how each is reached.

    cloudlayer.connect("ssh:boxes.toml")

What follows the name is the inventory's path: relative to the working folder, and in a manifest to the manifest. The absolute
path is the provider's region. What this host knows of
the machines lies in `state`; without the option CLOUDLAYER_SSH_STATE names the folder, else it is /var/lib/cloudlayer/ssh for
root and ~/.local/state/cloudlayer/ssh for others. Whose a machine is lies on the machine itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cloudlayer.errors import InvalidSpec

if TYPE_CHECKING:
    from cloudlayer.providers.ssh.provider import SshProvider

__all__ = ["OPTION", "connect"]

OPTION: Final = "inventory"
"""The option that says which machines there are."""


def connect(region: str | None, options: Mapping[str, Any]) -> SshProvider:
    """Connect the machines of an inventory."""
    from cloudlayer.providers.ssh.provider import SshProvider

    unknown = sorted(set(options) - {OPTION, "state"})
    if unknown:
        raise InvalidSpec(f"ssh.{unknown[0]}: unknown option; known here: {OPTION}, state")
    named = [name for name in (region, options.get(OPTION)) if name]
    if len(named) != 1 or not isinstance(named[0], str | Path):
        raise InvalidSpec('ssh: which machines? name one inventory, as in "ssh:boxes.toml"')
    inventory = Path(named[0]).expanduser().resolve()
    return SshProvider(inventory, state_folder(options.get("state")))


def state_folder(option: object = None) -> Path:
    """Where what is known of machines lies."""
    if option is not None and not isinstance(option, str | Path):
        raise InvalidSpec(f"ssh.state: give a folder, not {option!r}")
    named = option or os.environ.get("CLOUDLAYER_SSH_STATE")
    if named:
        return Path(named).expanduser().absolute()
    return Path("/var/lib/cloudlayer/ssh") if os.geteuid() == 0 else Path.home() / ".local/state/cloudlayer/ssh"
