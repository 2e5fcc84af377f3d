"""Loopback addresses: each machine and each balancer of this host has one of its own, so that no two share their ports."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network
from typing import Final

MACHINES: Final = IPv4Network("127.64.0.0/10")
BALANCERS: Final = IPv4Network("127.128.0.0/10")


def free_address(network: IPv4Network, id: str, taken: Collection[str]) -> str:
    """An address that none of the others has. Most often it follows from the id, so that state folders rarely collide."""
    at = int.from_bytes(hashlib.sha256(id.encode()).digest()[:8])
    while str(address := IPv4Address(int(network[0]) + at % network.num_addresses)) in taken:
        at += 1
    return str(address)
