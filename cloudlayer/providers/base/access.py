"""How the machines of clouds are reached that run cloud-init: by SSH, as the user that our user data makes."""

from __future__ import annotations

from cloudlayer.interfaces import Access
from cloudlayer.resources import Instance


def by_ssh(instance: Instance) -> Access:
    """At its public address, else at the private one; at "" while its cloud tells neither."""
    return Access(instance.public_address or instance.private_address or "")
