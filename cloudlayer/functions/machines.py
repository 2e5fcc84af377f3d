"""What a user says of the machines themselves: what they start from, how they are reached, when they end themselves."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, Strict

from cloudlayer.specs import HostAddress, Spec, UserName

_KEY: Final = re.compile(r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}", re.ASCII)


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError(f'"{text}" is no range of addresses: write it as in "10.0.0.0/8"') from None


def _host_key(text: str) -> str:
    key = " ".join(text.split()[:2])
    if not _KEY.fullmatch(key):
        raise ValueError('is not a public key: write it as ssh-keyscan prints it, "ssh-ed25519 AAAA…"')
    return key


Network = Annotated[str, AfterValidator(_network)]
HostKeyText = Annotated[str, AfterValidator(_host_key)]


class Jump(Spec):
    """A host on the way to the machines, reached by SSH: whom it lets in, and the keys that it proves itself by.

    `key` is the file of the private key, the fleet's own where it is left out.
    """

    address: HostAddress
    user: UserName
    host_keys: Annotated[tuple[HostKeyText, ...], Strict(False), Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    key: str | None = None

    @property
    def key_file(self) -> Path | None:
        """The file of the private key."""
        return None if self.key is None else Path(self.key).expanduser()


class MachineAccess(Spec):
    """How a cloud's machines are reached.

    Without `public` they get no public address, and the controller reaches them from within their network, or by the hosts of
    `jump`, nearest first. From `networks` all their ports are open, from elsewhere SSH alone.
    """

    public: bool = True
    jump: Annotated[tuple[Jump, ...], Strict(False)] = ()
    networks: Annotated[tuple[Network, ...], Strict(False)] = ()


class MachineImages(Spec):
    """Images by provider ("aws", or "aws:us-east-1"), where it is not to be the newest Ubuntu: `gpu` for machines with GPUs."""

    plain: dict[str, str] = Field(default_factory=dict)
    gpu: dict[str, str] = Field(default_factory=dict)


Overrides = dict[str, dict[str, Any]]
"""What a provider alone knows of its instances, by provider: `InstanceSpec.overrides`."""
