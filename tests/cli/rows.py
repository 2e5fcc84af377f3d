"""Rows of a store, as the commands show them."""

from datetime import date

from cloudlayer.fleet.store.rows import Event, LedgerRow, MachineRow, MachineState, ReplicaRow, ReplicaRowState
from cloudlayer.resources import MachineType, Offer, Price
from cloudlayer.scheduler import Demand, Placement, Plan, Purchased, Unplaced
from cloudlayer.units import GIB
from tests.cli.stand_ins import preview


def offer(amount, name="small"):
    price = None if amount is None else Price(amount, "USD", "list", date(2026, 1, 1))
    return Offer("shop", "here", "here-a", MachineType(name, 2.0, 4 * GIB), "on_demand", price)


def machine(id, amount=0.5, fleet="seefood"):
    return MachineRow(fleet, id, "batch", 0, "shop:here", offer(amount), {}, MachineState.RUNNING, created_at=100.0)


def replica(id, state=ReplicaRowState.READY, engine="process", handle="4711", fleet="seefood", **more):
    what = (fleet, id, "nlp/Echo", "1.0.0", "digest", "m-1", engine, (), {}, state)
    return ReplicaRow(*what, address="unix:/run/r.sock", handle=handle, created_at=100.0, **more)


def event(number, message="because", fleet="seefood"):
    return Event(number, fleet, 0.0, "machine bought", f"m-{number}", message)


def entry(machine, price, fleet="seefood", currency="USD"):
    known = (price, currency if price is not None else None, "list", "2026-01-01")
    return LedgerRow(fleet, machine, f"i-{machine}", "shop:here", "small", "on_demand", *known, 0.0, 7200.0)


def buying(*amounts, unplaced=0):
    """A plan that buys machines at these prices, one replica on each, and finds no place for some others."""
    purchases = tuple(Purchased(f"new-{number}", offer(amount), GIB) for number, amount in enumerate(amounts))
    demands = [Demand(f"d{number}", "nlp/Echo/1.0.0", "nlp/Echo", 1.0, GIB) for number in range(len(amounts) + unplaced)]
    placements = tuple(Placement(f"d{number}", machine.id) for number, machine in enumerate(purchases))
    missing = tuple(Unplaced(demand.id, "no GPU is on sale") for demand in demands[len(amounts) :])
    return preview(Plan(placements, purchases, missing), demands)
