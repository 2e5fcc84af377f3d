"""What the commands for groups, balancers, volumes, snapshots and shares have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudlayer.cli.fleets import opened
from cloudlayer.cli.forms import per_hour
from cloudlayer.cli.output import confirm, counted, note, print_json, print_table, table_stream
from cloudlayer.cli.plans import costs
from cloudlayer.cli.waiting import awaited
from cloudlayer.errors import NotFound

if TYPE_CHECKING:
    from cloudlayer.fleet.kinds import Kind
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.fleet.things import Found
    from cloudlayer.interfaces import Provider
    from cloudlayer.resources import Offer
    from cloudlayer.specs import Spec


@dataclass(frozen=True)
class Form:
    """How the things of one kind are shown: the columns of a table, and the line for a thing."""

    name: str
    columns: Sequence[str]
    row: Callable[[Any], tuple[object, ...]]

    @property
    def kind(self) -> Kind:
        """The kind, imported when it is needed."""
        from cloudlayer.fleet.kinds import KINDS

        return KINDS[self.name]


def found(fleets: Fleets, form: Form, ref: str) -> Found:
    """A thing that was made here, by its name or id."""
    from cloudlayer.fleet import things

    return things.found(fleets, form.kind, ref)


def able(fleets: Fleets, form: Form, provider: str) -> Provider:
    """The provider, connected; Unsupported, with the reason, if it has none of the kind."""
    connected = fleets.clouds.provider(provider)
    connected.capabilities.require(form.kind.capability)
    return connected


def make(fleets: Fleets, form: Form, provider: str, spec: Spec, *, timeout: str | None) -> Any:
    """Make a thing; with a `timeout`, wait until it is of use."""
    from cloudlayer.fleet import things

    made = things.create(fleets, form.kind, provider, spec)
    if timeout is None:
        return made
    return awaited(form.kind.verbs(fleets.clouds.provider(provider)), made, form.kind.ready, timeout)


def show_all(form: Form, provider: str | None, *, json: bool) -> None:
    """List the things of a kind."""
    with opened() as fleets:
        from cloudlayer.fleet import things

        listed = things.listed(fleets, form.kind, provider)
    print_things(form, listed, json=json)


def print_things(form: Form, listed: Sequence[Any], *, json: bool) -> None:
    """Print things as a table or one document."""
    if json:
        print_json(listed)
    else:
        print_table(form.columns, [form.row(one) for one in listed], empty=f"there is no {form.kind.noun}")


def delete_all(form: Form, refs: Sequence[str], *, yes: bool, json: bool) -> None:
    """Delete things, after a look at what they are; comes back when they are gone."""
    kind = form.kind
    with opened() as fleets:
        from cloudlayer.fleet import ends

        doomed = {one.id: one for one in (found(fleets, form, ref) for ref in refs)}
        rows = [form.row(thing) for one in doomed.values() if (thing := _seen(one)) is not None]
        print_table(form.columns, rows, stream=table_stream(json=json))
        confirm(f"Delete {counted(len(doomed), kind.noun)}?", yes=yes)
        for one in doomed.values():
            note(f"deleting {one.row.id}")
            ends.delete(fleets, kind, [one.row])
    if json:
        print_json({"deleted": list(doomed)})
    else:
        note(f"{counted(len(doomed), kind.noun)} deleted")


def _seen(one: Found) -> Any:
    """The thing as its provider reports it; None where that has lost it, which is no reason not to delete it."""
    with suppress(NotFound):
        thing = one.verbs.get(one.id)
        if thing.state.value != "deleted":
            return thing
    note(f"{one.row.id} is not there any more: {one.row.provider} does not have {one.id}")
    return None


def agree(offer: Offer, count: int, *, yes: bool, what: str = "Buy") -> None:
    """Show the price of what is to be bought, and ask where it is not 0."""
    form = f"{count} x {offer.machine_type.name} ({offer.purchase}) of {offer.provider}:{offer.region}"
    price = per_hour([offer.price] * count)
    note(f"{form}, cheapest {price}")
    if costs([offer]):
        confirm(f"{what} {form} for {price}?", yes=yes)


def agree_unpriced(provider: Provider, what: str, *, yes: bool) -> None:
    """Ask before something that costs at clouds, at a price that nobody told; what this host makes costs nothing."""
    if provider.keeps_machines:
        confirm(f"{what} at {provider.name}:{provider.region}, for a price that is not known?", yes=yes)
