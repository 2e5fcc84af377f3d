"""User data for cloud-init, on any Debian or Ubuntu: who may come in, by which host key, and what is set up.

The same `Boot` gives the same bytes, since a create that is repeated under its token has to be the very same.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

USER: Final = "cloudlayer"
"""Whom a machine lets in: in the group docker, and root by sudo."""
ALIVE: Final = "/run/cloudlayer/alive"
STAY: Final = ("install", "-D", "-m", "0644", "/dev/null", ALIVE)
"""The command by which a machine with an expiry is asked for: the file is made anew, and its folder if it is not there."""
"""The file that is touched to put the expiry off."""

_FOLDER: Final = "/usr/local/lib/cloudlayer"
_SETTINGS: Final = "/etc/cloudlayer"
_UNITS: Final = "/etc/systemd/system"
_MACHINE: Final = files(__package__) / "machine"


@dataclass(frozen=True, slots=True)
class Boot:
    """What a machine is to become.

    `authorized_key` is the public key that it lets in, `host_key` and `host_key_public` are the pair that it proves itself by:
    OpenSSH's private form, "ssh-ed25519 AAAA…". From `networks`, CIDRs, every port may be reached, from elsewhere SSH alone.
    With an `expiry` (seconds) it shuts itself down when nobody has touched ALIVE for so long; not before a minute.
    """

    authorized_key: str
    host_key: str = field(repr=False)
    host_key_public: str
    networks: tuple[str, ...] = ()
    expiry: float | None = None


def user_data(boot: Boot) -> str:
    """The cloud-config. It holds the host's private key and no other secret; well below EC2's limit of 16 KiB."""
    config = {
        "users": [_user(boot)],
        # The machine knows its own name without asking: sudo looks that up each time.
        "manage_etc_hosts": "localhost",
        "disable_root": True,
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": boot.host_key, "ed25519_public": boot.host_key_public},
        "write_files": _written(boot),
        "runcmd": [[f"{_FOLDER}/setup"]],
    }
    # JSON is YAML; no quoting of a script can go wrong in it.
    return f"#cloud-config\n{json.dumps(config, indent=0)}\n"


def machine_file(name: str) -> str:
    """The text of a file of `machine/`."""
    return (_MACHINE / name).read_text(encoding="utf-8")


def _user(boot: Boot) -> dict[str, Any]:
    return {
        "name": USER,
        "groups": "docker",
        "shell": "/bin/bash",
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "lock_passwd": True,
        "ssh_authorized_keys": [boot.authorized_key],
    }


def _written(boot: Boot) -> list[dict[str, str]]:
    scripts = {"setup": "setup.sh", "firewall": "firewall.sh"}
    units = {
        "cloudlayer-firewall.service": "cloudlayer-firewall.service",
        "docker.service.d/cloudlayer.conf": "docker.conf",
    }
    found = [_file(f"{_SETTINGS}/networks", "".join(f"{network}\n" for network in boot.networks))]
    if boot.expiry is not None:
        scripts["expiry"] = "expiry.sh"
        units |= {name: name for name in ("cloudlayer-expiry.service", "cloudlayer-expiry.timer")}
        found.append(_file(f"{_SETTINGS}/expiry", f"{max(60, math.ceil(boot.expiry))}\n"))
    found += [_file(f"{_FOLDER}/{name}", machine_file(source), "0755") for name, source in scripts.items()]
    found += [_file(f"{_UNITS}/{name}", machine_file(source)) for name, source in units.items()]
    found.append(_file("/etc/ssh/sshd_config.d/10-cloudlayer.conf", machine_file("sshd.conf")))
    return found


def _file(path: str, content: str, permissions: str = "0644") -> dict[str, str]:
    return {"path": path, "content": content, "permissions": permissions}
