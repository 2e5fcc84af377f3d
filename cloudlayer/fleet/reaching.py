"""Reaching machines: one kept connection for each that its provider says is reached by SSH, and the engines behind it.

A connection outlives this process, so that replicas stay reachable while a controller starts anew; it ends with its machine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from cloudlayer.errors import CloudLayerError, Unsupported
from cloudlayer.fleet.booting import jumps
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.keys import Keys
from cloudlayer.fleet.outposts import open_ways
from cloudlayer.fleet.store import MachineRow
from cloudlayer.interfaces import Access, Deadline, Engine, Host, MachineContext
from cloudlayer.providers.registry import plug_in
from cloudlayer.runtime.registry import connect_engine

if TYPE_CHECKING:
    from cloudlayer.runtime.hosts.ssh import SshHost

AccessOf = Callable[[MachineRow], Access | None]
Key = tuple[str, str]
"""A machine's fleet and its id there."""

ENGINES: Final = ("docker",)
"""The engines that work on a machine that is not this host."""
INVENTORY: Final = "ssh"
"""The provider whose machines are its user's own: they are lent to the fleet, and not made for it."""
CLOSE_SECONDS: Final = 1.0
"""How long what is under way on all machines together is waited for at the end."""


class Reach:
    """Thread-safe. `host` never waits for a machine; what is asked of the host may."""

    def __init__(
        self, access: AccessOf, home: Home, changed: Callable[[], None] = lambda: None, *, serves: bool = False
    ) -> None:
        """`access` is what a machine's provider says; `changed` is called, from any thread, when one is cut off or is back.

        Whoever `serves` a fleet opens its machines' ways to the gateway; others that look at them leave these as they are.
        """
        self._access = access
        self._home = home
        self._changed = changed
        self._serves = serves
        self._hosts: dict[Key, tuple[MachineRow, SshHost]] = {}
        self._lock = threading.Lock()

    def host(self, machine: MachineRow) -> Host | None:
        """How the machine is reached; None where its provider gives its engines itself.

        One that has got another address since is reached anew. A row that is older than what is known changes nothing.
        """
        with self._lock:
            known = self._known(machine)
        if known is not None:
            return known
        access = self.access(machine)
        if access is None:
            return None
        from cloudlayer.runtime.hosts.ssh import SshHost

        key = _key(machine)
        with self._lock:
            known = self._known(machine)
            if known is not None:
                return known
            if key in self._hosts:
                # Not ended: its folder is the next one's, which ends a connection that leads elsewhere.
                self._hosts[key][1].close(wait=0.0)
            host = SshHost(access, name=_called(machine), folder=self._home.connection(*key), changed=self._changed)
            self._hosts[key] = machine, host
            return host

    def _known(self, machine: MachineRow) -> SshHost | None:
        row, host = self._hosts.get(_key(machine), (None, None))
        elsewhere = row is not None and row.address != machine.address and row.changed_at <= machine.changed_at
        return None if elsewhere else host

    def access(self, machine: MachineRow) -> Access | None:
        """The way to the machine, with the fleet's own key and what is pinned where its provider names neither."""
        told = self._access(machine)
        if told is None:
            return None
        keys = self.keys(machine.fleet)
        return replace(
            told,
            key=told.key or keys.private(),
            host_keys=told.host_keys or keys.pinned(machine.id),
            jump=told.jump or tuple(replace(one, key=one.key or keys.private()) for one in jumps(machine)),
        )

    def renew_host_key(self, machine: MachineRow, deadline: Deadline) -> None:
        """Replace the host key that a machine's user data brought, unless that was done; TransientError to try again."""
        keys, host = self.keys(machine.fleet), self.host(machine)
        if host is not None and keys.is_first(machine.id):
            from cloudlayer.runtime.hosts.rotation import rotate_host_key

            rotate_host_key(cast("SshHost", host), partial(keys.pin, machine.id), deadline=deadline)

    def keys(self, fleet: str) -> Keys:
        """The keys of a fleet's machines."""
        return Keys(self._home.path / "keys" / fleet)

    def engine(self, machine: MachineRow, name: str) -> Engine | None:
        """The engine of that name on the machine; None where its provider gives its engines itself.

        Unsupported for an engine that works on this host alone, TransientError while the machine cannot be reached.
        """
        host = self.host(machine)
        if host is None:
            return None
        if name not in ENGINES:
            raise Unsupported(f'the {name} engine works on this host alone: name engine = "docker"', provider=machine.provider)
        folder = self._home.machine(machine.fleet, machine.id)
        if self._serves:
            open_ways(self._home, machine.fleet, host)
        bought = plug_in(machine.provider) != INVENTORY
        return connect_engine(name, MachineContext(str(machine.instance), folder, self._home.sources(), host, bought))

    def unreachable(self) -> frozenset[str]:
        """The ids of the machines that do not answer now; one that is being tried for the first time is not among them."""
        return frozenset(machine for machine, reason in self.reasons().items() if reason)

    def reasons(self) -> Mapping[str, str]:
        """Why each machine does not answer; empty for one that does, or that is just being tried for the first time."""
        with self._lock:
            hosts = list(self._hosts.values())
        return {machine.id: "" if host.connected else host.reason for machine, host in hosts}

    def forget(self, machine: MachineRow) -> None:
        """Let go of a machine that is given back: its connection ends, and what is kept of it on this host is removed."""
        if self._home.has_connection(*_key(machine)):
            with suppress(CloudLayerError):
                self.host(machine)  # one that another process left is taken over, to be ended
        with self._lock:
            _, host = self._hosts.pop(_key(machine), (None, None))
        if host is not None:
            host.end()
        self._home.forget_machine(*_key(machine))
        # Last: without its pins, a connection that is left cannot be taken over.
        self.keys(machine.fleet).forget(machine.id)

    def close(self) -> None:
        """Let go of all machines; their connections stay for whoever comes next."""
        with self._lock:
            hosts, self._hosts = [host for _, host in self._hosts.values()], {}
        for host in hosts:
            host.close(wait=0.0)
        deadline = Deadline.after(CLOSE_SECONDS)
        for host in hosts:
            host.close(wait=deadline.remaining())


def _key(machine: MachineRow) -> Key:
    return machine.fleet, machine.id


def _called(machine: MachineRow) -> str:
    return f"{machine.id} ({machine.instance})" if machine.instance else machine.id
