"""What `create` promises when it breaks on the way: that which all things promise, of instances one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cloudlayer.interfaces import Compute, Deadline, Provider
from cloudlayer.resources import Instance, InstanceSpec
from cloudlayer.testing.base import changed
from cloudlayer.testing.compute.base import InstancePromises
from cloudlayer.testing.faults import Kind
from cloudlayer.testing.things.recovering import RecoveringPromises
from cloudlayer.units import GIB


class OneByOne:
    """A Compute whose instances are made and deleted one at a time, as the things of other interfaces are."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def create(self, spec: InstanceSpec, *, token: str, deadline: Deadline | None = None) -> Instance:
        """Launch one."""
        return self._compute.create(spec, token=token, deadline=deadline)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as it is now."""
        return self._compute.get(id, deadline=deadline)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete one."""
        self._compute.delete([id], deadline=deadline)

    def wait(self, thing: Any, /, state: Any, *, timeout: float = 600, deadline: Deadline | None = None) -> Instance:
        """The instance once it is in `state`."""
        return self._compute.wait(thing, state, timeout=timeout, deadline=deadline)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Any]:
        """Every instance that carries all of `labels`."""
        return self._compute.list(labels, deadline=deadline)


class RecoveryPromises(InstancePromises, RecoveringPromises):
    """Of an instance with its firewall, address and disks, as far as the provider has them."""

    kind: Kind = "instance"
    ready = "running"

    @pytest.fixture
    def things(self, compute: Compute) -> OneByOne:
        """What is tested, in the form that all interfaces have in common."""
        return OneByOne(compute)

    def whole(self, provider: Provider, spec: InstanceSpec) -> InstanceSpec:
        """With all that can be made for an instance."""
        asked: dict[str, Any] = {
            "open_ports": [{"port": 443, "source": "192.0.2.0/24"}],
            "public_address": True,
            "disks": [{"size": 4 * GIB}],
        }
        return changed(spec, **{flag: value for flag, value in asked.items() if provider.capabilities[flag]})
