"""A machine's host key, made anew: the one that came with its user data is known to whoever can read that."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.hosts.client import MACHINE
from cloudlayer.runtime.hosts.commands import execute
from cloudlayer.runtime.hosts.ssh import SshHost

_PAUSE: Final = 0.2
_SECONDS: Final = 60.0

# Whole or not at all: a key that is there was made completely, and is found again by whoever comes after a crash.
_MAKE: Final = b"""
set -eu
cd /etc/ssh
if ! [ -s ssh_host_ed25519_key.next ]; then
  made=$(mktemp -d .cloudlayer.XXXXXX)
  trap 'rm -rf -- "$made"' EXIT
  ssh-keygen -q -t ed25519 -N '' -C '' -f "$made/key"
  sync "$made/key"
  mv -f "$made/key" ssh_host_ed25519_key.next
fi
ssh-keygen -y -f ssh_host_ed25519_key.next
"""

_INSTALL: Final = b"""
set -eu
cd /etc/ssh
if [ -s ssh_host_ed25519_key.next ]; then
  ssh-keygen -y -f ssh_host_ed25519_key.next >ssh_host_ed25519_key.pub.next
  chmod 644 ssh_host_ed25519_key.pub.next
  mv -f ssh_host_ed25519_key.next ssh_host_ed25519_key
  mv -f ssh_host_ed25519_key.pub.next ssh_host_ed25519_key.pub
  sync
fi
if [ -d /run/systemd/system ]; then
  systemctl reload ssh.service 2>/dev/null || systemctl reload sshd.service 2>/dev/null ||
    systemctl try-restart ssh.service sshd.service
else
  kill -HUP "$(cat /run/sshd.pid)"
fi
"""


def rotate_host_key(host: SshHost, pin: Callable[[tuple[str, ...]], None], *, deadline: Deadline | None = None) -> str:
    """Give the machine a new ed25519 host key, and return its public part ("ssh-ed25519 AAAA…").

    `pin` must have kept the pins that it is given when it returns: first the old ones and the new one, before the machine uses
    that, and the new one alone once another connection has proved it. A crash anywhere
    leaves pins that fit the machine; call again as long as an old one is among them. The standing connection stays.
    """
    deadline = deadline or Deadline.after(_SECONDS)
    made = host.run(["sh", "-s"], input=_MAKE, root=True, deadline=deadline).decode("ascii", "replace").split()
    if len(made) < 2 or made[0] != "ssh-ed25519":
        raise EngineError(f"{host.name} made no host key: see that ssh-keygen works there")
    key = " ".join(made[:2])
    both = (*host.client.host_keys, key)
    pin(both)
    host.pin(both)
    host.run(["sh", "-s"], input=_INSTALL, root=True, deadline=deadline)
    _prove(host, key, deadline)
    pin((key,))
    host.pin((key,))
    return key


def _prove(host: SshHost, key: str, deadline: Deadline) -> None:
    """Wait for a new connection that is shown this key. A server that reads its settings anew takes a moment."""
    known_hosts: Path = host.client.folder / "known_hosts.new"
    host.client.write_pins(known_hosts, (key,))
    doing = f"connecting to {host.name} by its new host key"
    command = host.client.alone("-o", f"UserKnownHostsFile={known_hosts}", "-T", "--", MACHINE, "true")
    while True:
        ended = execute(command, doing=doing, deadline=deadline)
        if ended.code == 0:
            known_hosts.unlink(missing_ok=True)
            return
        if deadline.remaining() <= _PAUSE:
            raise TransientError(f"{doing} did not work: {ended.last_lines}", code="host_key")
        time.sleep(_PAUSE)
