"""The OpenSSH client's configuration for one machine: everything it must and must not do, in one file.

No secret is in a command line. What anybody here may see in a process list are the names of the client's files, the ends of
forwards, the commands that run on a machine, and the address of a machine behind another one. Host keys are pinned by an alias
and not by an address: a machine that gets another address is the same machine.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Access
from cloudlayer.runtime.files import replace
from cloudlayer.specs import HOST_ADDRESS, HOST_USER

MACHINE: Final = "machine"
"""What a command line calls the machine."""

# A socket's name has 107 bytes at most, and OpenSSH adds 17 to one that it makes.
_LONGEST_FOLDER: Final = 70
_UNUSED_SECONDS: Final = 3600
_SILENT_SECONDS: Final = 1
_SILENCES: Final = 3
_CONNECT_SECONDS: Final = 5
# A shell sees names of files when there is a machine on the way, and would run what stands between backticks.
_PLAIN_PATH: Final = re.compile(r'[^\x00-\x1f"$`:\\]+')

# What a machine on the way says is lost otherwise: a master has no standard error. The user's own shell may be of any kind.
_LOG: Final = "CLOUDLAYER_SSH_LOG"
_PLAIN_SHELL: Final = ("SHELL=/bin/sh",)

_OPTIONS: Final = f"""\
Host *
    BatchMode yes
    StrictHostKeyChecking yes
    GlobalKnownHostsFile /dev/null
    UpdateHostKeys no
    VerifyHostKeyDNS no
    CheckHostIP no
    CanonicalizeHostname no
    PreferredAuthentications publickey
    IdentitiesOnly yes
    IdentityAgent none
    ForwardAgent no
    ForwardX11 no
    PermitLocalCommand no
    EscapeChar none
    LogLevel ERROR
    IPQoS none
    Ciphers ^aes128-gcm@openssh.com
    ConnectTimeout {_CONNECT_SECONDS}
    ServerAliveInterval {_SILENT_SECONDS}
    ServerAliveCountMax {_SILENCES}
    StreamLocalBindUnlink yes
    StreamLocalBindMask 0177
    ExitOnForwardFailure no
"""


class Client:
    """The OpenSSH client for the machine of `access`. Its files are in `folder`, which is that machine's alone.

    EngineError for an access that lacks a key, pinned host keys or a plain address, and for a folder whose name is too long.
    """

    def __init__(self, access: Access, folder: Path) -> None:
        if len(os.fsencode(folder)) > _LONGEST_FOLDER:
            raise EngineError(f"{folder} is too long for the names of sockets: use one of at most {_LONGEST_FOLDER} characters")
        self.access = access
        self.host_keys = access.host_keys
        self.folder = folder
        self.control = folder / "control"
        self.log = folder / "log"
        self.known_hosts = folder / "known_hosts"
        self._config = folder / "config"
        self._hops = {f"jump{number}": hop for number, hop in enumerate(access.jump)} | {MACHINE: access}
        self._text = self._configuration()

    def write(self) -> bool:
        """Write the files; whether they tell of another way to the machine than those that were there.

        EngineError where the OpenSSH client is not installed.
        """
        if shutil.which("ssh") is None:
            raise EngineError("the program ssh is not installed, and machines are reached by it: install the OpenSSH client")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        before = self._config.read_text() if self._config.exists() else None
        self.pin(self.host_keys)
        replace(self._config, self._text)
        return before != self._text

    def pin(self, host_keys: tuple[str, ...]) -> None:
        """Let the machine's host key be one of `host_keys` from the next connection on."""
        self.host_keys = host_keys
        self.write_pins(self.known_hosts, host_keys)

    def write_pins(self, path: Path, host_keys: tuple[str, ...]) -> None:
        """Write a file of known hosts, those on the way included."""
        keys = {alias: hop.host_keys for alias, hop in self._hops.items()} | {MACHINE: host_keys}
        replace(path, "".join(f"{alias} {key}\n" for alias, each in keys.items() for key in each))

    def master(self) -> list[str]:
        """Connects, goes on in the background once it is let in, and listens at `control`. An hour unused, it ends."""
        options = ["-o", "ControlMaster=yes", "-o", f"ControlPersist={_UNUSED_SECONDS}"]
        told = [f"{_LOG}={self.log}", *_PLAIN_SHELL]
        return ["env", *told, *self._ssh(), "-E", str(self.log), "-S", str(self.control), *options, "-f", "-N", MACHINE]

    def through_master(self, *options: str) -> list[str]:
        """Asks the master, and never connects by itself where there is none."""
        return [*self._ssh(), "-S", str(self.control), "-o", "ProxyCommand=false", "-o", "ControlMaster=no", *options]

    def alone(self, *options: str) -> list[str]:
        """Makes a connection of its own."""
        return [*self._ssh(), "-S", "none", *options]

    def interactive(self) -> list[str]:
        """A shell on the machine, for a person; its own connection, so that it may outlive the controller's."""
        return ["env", *_PLAIN_SHELL, *self.alone("-o", "EscapeChar=~", "-o", "ServerAliveInterval=5", "-t", MACHINE)]

    def _ssh(self) -> list[str]:
        return ["ssh", "-F", str(self._config)]

    def _configuration(self) -> str:
        blocks, before = [], ""
        for alias, hop in self._hops.items():
            blocks += [f"Host {alias}", *(f"    {line}" for line in self._of(hop, alias))]
            if before:
                log = f'${{{_LOG}:+-E "${_LOG}"}}'
                blocks.append(f"    ProxyCommand ssh -F {_path(self._config)} {log} -S none -W [%h]:%p {before}")
            before = alias
        return "\n".join([*blocks, _OPTIONS])

    def _of(self, hop: Access, alias: str) -> list[str]:
        if not HOST_ADDRESS.fullmatch(hop.address) or not HOST_USER.fullmatch(hop.user):
            raise EngineError(f'"{hop.user}@{hop.address}" names no machine: give its address or name, and its user')
        if not hop.host_keys:
            raise EngineError(f"no host key of {hop.address} is known: give it, so that no other machine can pass for it")
        if any("\n" in key for key in hop.host_keys):
            raise EngineError(f'a host key of {hop.address} has more than one line: give it as "ssh-ed25519 AAAA…"')
        if hop.key is None:
            raise EngineError(f"no private key for {hop.address} is given")
        return [
            f"HostName {hop.address.replace('%', '%%')}",
            f"Port {hop.port}",
            f"User {hop.user}",
            f"HostKeyAlias {alias}",
            f"IdentityFile {_path(hop.key)}",
            f"UserKnownHostsFile {_path(self.known_hosts)}",
        ]


def _path(path: Path) -> str:
    """A file's name as the configuration has it."""
    name = str(path.absolute())
    if not _PLAIN_PATH.fullmatch(name):
        raise EngineError(f"{name!r} has a character that the SSH client would take for its own: rename it")
    return f'"{name.replace("%", "%%")}"'
