"""How the commands reach fleets: the store is opened while a command needs it, and what happens meanwhile is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloudlayer.cli.forms import event_line
from cloudlayer.cli.output import note
from cloudlayer.errors import NotFound, Unsupported

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.fleet.store.rows import Event


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


def tell(event: Event) -> None:
    """Tell what was just done or seen, on standard error."""
    note(event_line(event))
