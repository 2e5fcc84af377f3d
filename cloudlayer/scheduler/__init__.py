"""Deciding where replicas run and what to buy for them. Pure and deterministic: no I/O, no clock, no randomness."""

from cloudlayer.scheduler.policy import BestFitDecreasing, Policy
from cloudlayer.scheduler.price import Total, total
from cloudlayer.scheduler.types import (
    CallPrices,
    Demand,
    Device,
    Eviction,
    Machine,
    Placement,
    Plan,
    Purchased,
    Resident,
    Rules,
    Traffic,
    Unplaced,
)

__all__ = [
    "BestFitDecreasing",
    "CallPrices",
    "Demand",
    "Device",
    "Eviction",
    "Machine",
    "Placement",
    "Plan",
    "Policy",
    "Purchased",
    "Resident",
    "Rules",
    "Total",
    "Traffic",
    "Unplaced",
    "total",
]
