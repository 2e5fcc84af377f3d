"""How the commands reach fleets: the store is opened while a command needs it, and what happens meanwhile is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloudlayer.cli.forms import event_line
from cloudlayer.cli.output import note
from cloudlayer.errors import InvalidSpec, NotFound, Unsupported

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.fleet.store.rows import Event, MachineRow


@contextmanager
def opened() -> Iterator[Fleets]:
    """The fleets of CLOUDLAYER_HOME; Unsupported where what they need is not installed."""
    try:
        from cloudlayer.fleet.service import Fleets
    except ModuleNotFoundError as error:
        raise Unsupported(f"fleets need the package {error.name}: pip install 'cloudlayer[fleet]'") from error
    with Fleets() as fleets:
        yield fleets


def once_named(fleets: Fleets, name: str | None) -> str | None:
    """A fleet that there is or once was, "-" for what was made by hand, or None for all; NotFound if there never was one."""
    from cloudlayer.fleet.service import BY_HAND

    known = [BY_HAND, *(row.name for row in fleets.store.fleets() if row.name != BY_HAND)]
    if name is not None and name not in known:
        raise NotFound(f"no fleet was ever called {name}; there were: {', '.join(known[1:]) or 'none'}")
    return name


def machine_named(fleets: Fleets, ref: str, fleet: str | None, *, by_hand: bool = False) -> MachineRow:
    """The machine that `ref` names in a fleet, or in any: its number there, its instance's id, its name, or its type's.

    NotFound, or InvalidSpec where there are several. Those made by hand are looked at where asked for.
    """
    from cloudlayer.fleet.service import BY_HAND

    names = [fleets.named(fleet)] if fleet is not None else [*fleets.names(), *([BY_HAND] if by_hand else [])]
    rows = [row for name in names for row in fleets.machines(name) if row.instance is not None]
    found = [row for row in rows if ref in (row.id, row.instance, row.spec.get("instance", {}).get("name"))]
    found = found or [row for row in rows if ref == row.offer.machine_type.name]
    if not found:
        there = ", ".join(f"{row.id} ({row.instance})" for row in rows) or "none"
        raise NotFound(f"no machine is called {ref}; there are: {there}")
    if len(found) > 1:
        places = ", ".join(f"{row.instance} of {row.fleet}" for row in found)
        raise InvalidSpec(f"{len(found)} machines are called {ref}: give the instance of one, or --fleet: {places}")
    return found[0]


def tell(event: Event) -> None:
    """Tell what was just done or seen, on standard error."""
    note(event_line(event))
