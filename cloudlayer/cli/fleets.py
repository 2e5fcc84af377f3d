"""How the commands reach fleets: the store is opened while a command needs it, and what happens meanwhile is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloudlayer.cli.forms import event_line
from cloudlayer.cli.output import note
from cloudlayer.errors import Unsupported

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


def tell(event: Event) -> None:
    """Tell what was just done or seen, on standard error."""
    note(event_line(event))
