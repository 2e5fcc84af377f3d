"""The store: what is wanted, what was intended and what was seen, for every fleet of one owner."""

from cloudlayer.fleet.store.database import Database
from cloudlayer.fleet.store.lease import TTL, Lease
from cloudlayer.fleet.store.rows import (
    LOST,
    STUCK,
    AvoidRow,
    DesiredRow,
    Event,
    LedgerRow,
    MachineRow,
    MachineState,
    ReplicaRow,
    ReplicaRowState,
    ThingRow,
    ThingState,
    offer_document,
    offer_from,
)
from cloudlayer.fleet.store.store import FleetRows, Store

__all__ = [
    "LOST",
    "STUCK",
    "TTL",
    "AvoidRow",
    "Database",
    "DesiredRow",
    "Event",
    "FleetRows",
    "Lease",
    "LedgerRow",
    "MachineRow",
    "MachineState",
    "ReplicaRow",
    "ReplicaRowState",
    "Store",
    "ThingRow",
    "ThingState",
    "offer_document",
    "offer_from",
]
