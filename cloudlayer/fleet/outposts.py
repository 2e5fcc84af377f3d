"""How functions on other machines call others: by the router of their machine, or through the connection to it alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cloudlayer.fleet.home import Home
from cloudlayer.fleet.store import MachineRow
from cloudlayer.interfaces import Host, RouterSpec


def open_ways(home: Home, fleet: str, host: Host) -> None:
    """Let the machine reach the gateway, for calls and for its router; for as long as the machine is connected, and again."""
    folder = home.outpost(fleet)
    host.expose(f"unix:{home.gateway_socket(fleet)}", f"unix:{folder / 'u' / 'g.sock'}")
    host.expose(f"unix:{home.routers_socket(fleet)}", f"unix:{folder / 'l' / 'line.sock'}")


def outpost(home: Home, machine: MachineRow, labels: Mapping[str, str], *, router: bool) -> tuple[Path, RouterSpec | None]:
    """Where replicas of another machine find their gateway, and the router that is to be there, if there is to be one."""
    folder = home.outpost(machine.fleet)
    if not router:
        return folder / "u" / "g.sock", None
    return folder / "g" / "g.sock", RouterSpec(machine.id, home.router_token(machine.id), folder, labels)
