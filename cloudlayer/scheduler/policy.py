"""The interface of a placing policy, and the plain one: best fit decreasing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cloudlayer.resources import Offer
from cloudlayer.scheduler.types import Demand, Machine, Plan, Rules


class Policy(Protocol):
    """Decides. Pure and deterministic: the same arguments give the same plan, in whatever order they come."""

    def plan(self, demands: Sequence[Demand], machines: Sequence[Machine], offers: Sequence[Offer], rules: Rules) -> Plan:
        """A place for each demand: on the machines that exist, else on the cheapest offers that the rules admit."""
        ...


class BestFitDecreasing:
    """Placeholder."""

    def plan(self, demands: Sequence[Demand], machines: Sequence[Machine], offers: Sequence[Offer], rules: Rules) -> Plan:
        """See Policy."""
        raise NotImplementedError
