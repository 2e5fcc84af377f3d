"""The networks of one machine's replicas: one that leads out, one that leads nowhere. On both, replicas do not see each other.

Replicas are reached at their own address on the bridge: that works on both kinds, while a published port does not on one
that leads nowhere.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import CloudLayerError, Conflict, EngineError
from cloudlayer.labels import MACHINE, OWNER
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.firewall import INTERNAL_BRIDGE, OPEN_BRIDGE, Firewall

# The container itself, where none listens: a network that leads nowhere must not lead out by way of the resolver of the host.
NO_NAME_SERVER: Final = "0.0.0.0"  # noqa: S104

_TRIES: Final = 10
_PAUSE: Final = 0.3


class Networks:
    """Makes the networks of a machine when they are needed, and removes them when nothing is on them."""

    def __init__(self, daemon: Daemon, machine: str) -> None:
        self._daemon = daemon
        self._machine = machine
        self._firewall = Firewall(daemon.host)

    def ensure(self, internet: bool, owner: str) -> str:
        """The name of the network, which is there and behind its firewall rules."""
        self._firewall.protect(internet)
        name, bridge = self._names(internet, owner)
        for left in reversed(range(_TRIES)):
            if self._daemon.call("listing networks", self._daemon.client.networks, names=[f"^{name}$"]):
                break
            self._create(name, bridge, internet, owner, again=left > 0)
        return name

    def remove_unused(self) -> None:
        """Remove this machine's networks, those in use excepted."""
        client = self._daemon.client
        found = self._daemon.call("listing networks", client.networks, filters={"label": f"{MACHINE}={self._machine}"})
        for network in found:
            with suppress(CloudLayerError):
                self._daemon.call("removing a network", client.remove_network, network["Id"])

    def _names(self, internet: bool, owner: str) -> tuple[str, str]:
        # An interface's name has 15 characters at most.
        short = hashlib.sha256(f"{owner}\n{self._machine}".encode()).hexdigest()[:10]
        kind, prefix = ("open", OPEN_BRIDGE) if internet else ("internal", INTERNAL_BRIDGE)
        return f"cloudlayer-{kind}-{short}", f"{prefix}{short}"

    def _create(self, name: str, bridge: str, internet: bool, owner: str, *, again: bool) -> None:
        """Make the network; with `again`, what another thread or controller is making at this moment is no error."""
        options: dict[str, Any] = {
            "driver": "bridge",
            "internal": not internet,
            "check_duplicate": True,
            "labels": {OWNER: owner, MACHINE: self._machine},
            "options": {"com.docker.network.bridge.name": bridge, "com.docker.network.bridge.enable_icc": "false"},
        }
        try:
            self._daemon.call("making a network", self._daemon.client.create_network, name, **options)
        except (Conflict, EngineError) as error:
            if "address pool" in str(error):
                mend = 'remove unused ones ("docker network prune") or widen default-address-pools in daemon.json'
                raise EngineError(f"Docker has no addresses left for another network: {mend}") from error
            if not again:
                raise
            # The bridge of a network that is being made is taken already, and the network is in no list yet.
            time.sleep(_PAUSE)
