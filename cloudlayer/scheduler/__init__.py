"""Deciding where replicas run and what to buy for them. Pure and deterministic: no I/O, no clock, no randomness."""

from cloudlayer.scheduler.policy import BestFitDecreasing, Policy
from cloudlayer.scheduler.price import Total, total
from cloudlayer.scheduler.types import (
    Demand,
    Device,
    Machine,
    Placement,
    Plan,
    Purchased,
    Rules,
    Unplaced,
)

__all__ = [
    "BestFitDecreasing",
    "Demand",
    "Device",
    "Machine",
    "Placement",
    "Plan",
    "Policy",
    "Purchased",
    "Rules",
    "Total",
    "Unplaced",
    "total",
]
