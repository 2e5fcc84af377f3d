"""`cloudlayer events`: what was done and seen, and why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cloudlayer.cli import options
from cloudlayer.cli.fleets import once_named, opened
from cloudlayer.cli.forms import EVENTS, event_line, event_row
from cloudlayer.cli.output import print_json, print_table

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.fleet.store.rows import Event

app = options.application()

PAUSE: Final = 0.5
"""Seconds between two looks for what is new."""


@app.command()
def events(
    after: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Only what came after the event of this number.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    fleet: options.Fleet = None,
    json: options.Json = False,
) -> None:
    """List what was done and seen, of one fleet or of all, oldest first."""
    if follow and json:
        raise typer.BadParameter("--follow never ends, and so gives no JSON document: leave one of the two out")
    with opened() as fleets:
        name = once_named(fleets, fleet)
        if follow:
            _follow(fleets, name, after)
        found = list(_events(fleets, name, after))
    if json:
        print_json(found)
    else:
        print_table(EVENTS, [event_row(event) for event in found], empty="nothing has happened yet")


def _follow(fleets: Fleets, fleet: str | None, after: int) -> None:
    while True:
        for event in _events(fleets, fleet, after):
            print(event_line(event), flush=True)
            after = event.number
        time.sleep(PAUSE)


def _events(fleets: Fleets, fleet: str | None, after: int) -> Iterator[Event]:
    """All events that there are now, however many pages they fill."""
    while page := fleets.events(fleet, after=after):
        yield from page
        after = page[-1].number
