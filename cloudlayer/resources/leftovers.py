"""What a provider's account says of itself: limits, and pieces that outlived what they were made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Leftover:
    """A piece that was made for an instance, group, balancer, volume or share which is not there: a firewall group, a template.

    `kind` is the cloud's own word. What is still in use, or may still be taken into use by a create, is none.
    """

    id: str
    kind: str
    provider: str
    region: str
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    native: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit of the account. `used` is None where the cloud does not tell; without a limit there is no Quota.

    `mend` tells how a higher limit is got.
    """

    name: str
    limit: float
    used: float | None = None
    mend: str = ""
