"""Instances that a user makes by hand: under the same intents, labels and ledger as a fleet's machines.

They belong to no fleet, so no reconciler touches them; `sweep` finds what a broken-off create left.
"""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Iterable, Sequence

from cloudlayer.errors import CloudLayerError, InvalidSpec, NotFound
from cloudlayer.fleet.act import Actor, Surroundings
from cloudlayer.fleet.clouds import canonical
from cloudlayer.fleet.findings import GRACE
from cloudlayer.fleet.hands import acting
from cloudlayer.fleet.intents import intend
from cloudlayer.fleet.kinds import GROUP
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.store import Lease, MachineRow, MachineState
from cloudlayer.fleet.view import Buy, Delete
from cloudlayer.interfaces import Compute
from cloudlayer.labels import FLEET, OWNER, TOKEN
from cloudlayer.resources import Instance, InstanceSpec, Offer
from cloudlayer.scheduler.fit import region_of


def create(fleets: Fleets, provider: str, spec: InstanceSpec, *, count: int = 1) -> list[Instance]:
    """Create `count` instances of one spec, at the cheapest offer that has what it asks for. Waits for none of them to run.

    Raises the first error if there is one for any; what was created is listed and costs all the same.
    """
    offer = cheapest(fleets.clouds.provider(provider).compute.offers(), spec)
    with acting(fleets) as lease:
        number, _ = fleets.store.numbered(BY_HAND)
        batch = str(uuid.uuid5(uuid.UUID(fleets.store.owner), f"{BY_HAND}/machine/m{number + 1}/{count}"))
        now = fleets.clock.now()
        # User data may hold secrets, and those are in no store: an attempt that is broken off is found by `sweep`.
        kept = spec.model_dump(mode="json", exclude={"user_data"})
        rows = tuple(
            MachineRow(
                fleet=BY_HAND,
                id=f"m{number + position + 1}",
                batch=batch,
                position=position,
                provider=region_of(offer),
                offer=offer,
                spec={"instance": kept},
                state=MachineState.BUYING,
                created_at=now,
                changed_at=now,
            )
            for position in range(count)
        )
        action = Buy(rows, fresh=True, why="asked for by hand")
        intend(lease, [action], now)
        answers = _actor(fleets, lease).buy(action, spec)
    made = [answer for answer in answers if isinstance(answer, Instance)]
    failed = [answer for answer in answers if isinstance(answer, CloudLayerError)]
    if failed:
        raise failed[0]
    return made


def listed(fleets: Fleets, provider: str | None) -> list[Instance]:
    """The instances that were made by hand, as their providers report them."""
    keys = {row.provider for row in fleets.machines(BY_HAND)}
    if provider is not None:
        keys &= {canonical(fleets.clouds.provider(provider))}
    labels = {OWNER: fleets.store.owner, FLEET: BY_HAND}
    found = (one for key in sorted(keys) for one in fleets.clouds.provider(key).compute.list(labels))
    # The members of groups that were made by hand carry the same labels, and the token of their group.
    groups = {row.token for row in fleets.store.things(BY_HAND, GROUP.name, ended=True)}
    return [one for one in found if not one.state.gone and one.labels.get(TOKEN) not in groups]


def show(fleets: Fleets, id: str) -> Instance:
    """One of them, by its instance id, its name, or the number that the store gave it."""
    compute, instance = reached(fleets, id)
    return compute.get(instance)


def reached(fleets: Fleets, id: str) -> tuple[Compute, str]:
    """The Compute that one of them is of, and its id there: to start, stop, reboot or resize it, or to read its console."""
    row = _row(fleets, id)
    return fleets.clouds.provider(row.provider).compute, str(row.instance)


def resolved(fleets: Fleets, ref: str) -> str:
    """The provider's id of the instance that is called so; what none is called is taken for such an id."""
    rows = [row for row in _called(fleets, ref) if row.instance]
    return str(_one(rows, ref).instance) if rows else ref


def offer_of(fleets: Fleets, id: str, machine_type: str | None = None) -> Offer:
    """What one of them was bought by; or the offer of another machine type in its place, InvalidSpec if there is none."""
    offer = _row(fleets, id).offer
    if machine_type is None or machine_type == offer.machine_type.name:
        return offer
    wanted = InstanceSpec(machine_type=machine_type, zone=offer.zone, purchase=offer.purchase, reservation=offer.reservation)
    return cheapest(fleets.clouds.provider(region_of(offer)).compute.offers(), wanted)


def delete(fleets: Fleets, ids: Sequence[str]) -> None:
    """Delete them, with all that was made for them."""
    rows = [_row(fleets, one) for one in ids]
    with acting(fleets) as lease:
        for row in rows:
            intend(lease, [Delete(row, "asked for by hand")], fleets.clock.now())
            finish_deleting(fleets, lease, row)


def finish_deleting(fleets: Fleets, lease: Lease, row: MachineRow) -> None:
    """Delete the instance of a machine whose delete is in the store already; returns when it is gone."""
    actor = _actor(fleets, lease)
    while not actor.delete(Delete(row, "asked for by hand")):
        fleets.clock.sleep(1.0)
        lease.renew()


def cheapest(offers: Iterable[Offer], spec: InstanceSpec) -> Offer:
    """The cheapest offer that has what the spec asks for; those of unknown price come last. InvalidSpec if there is none."""
    offers = list(offers)
    fitting = [offer for offer in offers if _has(offer, spec)]
    if not fitting:
        raise InvalidSpec(f"{_missing(offers, spec)}: cloudlayer offers lists what there is")
    return min(fitting, key=lambda offer: (offer.price is None, offer.price.amount if offer.price else 0.0, offer.id))


def _missing(offers: Sequence[Offer], spec: InstanceSpec) -> str:
    """Which wish no offer fulfils, where that is one by itself."""
    types, zones = {offer.machine_type.name for offer in offers}, sorted({offer.zone for offer in offers})
    if types and spec.machine_type not in (None, *types):
        near = difflib.get_close_matches(str(spec.machine_type), sorted(types))
        return f"no machine type is called {spec.machine_type}" + (f"; near to it are {', '.join(near)}" if near else "")
    if zones and spec.zone not in (None, *zones):
        return f"no offer is in zone {spec.zone}; there are {', '.join(zones)}"
    return "no offer has what is asked for"


def _has(offer: Offer, spec: InstanceSpec) -> bool:
    kind, devices = offer.machine_type, offer.machine_type.accelerators
    if spec.machine_type is not None and kind.name != spec.machine_type:
        return False
    if spec.gpu is not None or spec.gpu_memory is not None:
        suitable = [
            device
            for device in devices
            if (spec.gpu is None or spec.gpu.lower() == device.model.lower()) and device.memory >= (spec.gpu_memory or 0)
        ]
        if len(suitable) < spec.gpu_count:
            return False
    return (
        offer.purchase == spec.purchase
        and spec.zone in (None, offer.zone)
        and spec.reservation in (None, offer.reservation)
        and spec.architecture in (None, kind.architecture)
        and kind.cpu >= (spec.cpu or 0)
        and kind.memory >= (spec.memory or 0)
        and offer.available != 0
    )


def _actor(fleets: Fleets, lease: Lease) -> Actor:
    return Actor(lease, fleets.clouds, Surroundings(fleets.home, fleets.store.owner, BY_HAND), fleets.clock)


def _row(fleets: Fleets, ref: str) -> MachineRow:
    """One of them, that its provider has told the id of. NotFound or InvalidSpec, with the mend."""
    rows = _called(fleets, ref)
    if not rows and not _is_unbound(fleets, ref):
        raise NotFound(f"no instance that was made here is called {ref}: cloudlayer instance list shows them")
    bound = [row for row in rows if row.instance]
    if not bound:
        raise NotFound(
            f"the create of instance {ref} was broken off: cloudlayer sweep takes away what it left, from {GRACE / 60:.0f} "
            "minutes after it was begun"
        )
    return _one(bound, ref)


def _called(fleets: Fleets, ref: str) -> list[MachineRow]:
    """Those of that instance id, else of that name, else of that number in the store."""
    rows = fleets.machines(BY_HAND)
    of_id = [row for row in rows if row.instance == ref]
    return of_id or [row for row in rows if row.spec["instance"].get("name") == ref] or [row for row in rows if row.id == ref]


def _one(rows: Sequence[MachineRow], ref: str) -> MachineRow:
    if len(rows) > 1:
        places = ", ".join(f"{row.instance} of {row.provider}" for row in rows)
        raise InvalidSpec(f"{len(rows)} instances are called {ref}: give the id of one: {places}")
    return rows[0]


def _is_unbound(fleets: Fleets, instance: str) -> bool:
    """Whether it is of a create that was broken off before the store had its id."""
    keys = {row.provider for row in fleets.machines(BY_HAND) if row.instance is None}
    return any(one.id == instance for key in sorted(keys) for one in listed(fleets, key))
