"""What is written down when a replica starts: how its machine compares with the others at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from cloudlayer.resources import Offer
from cloudlayer.scheduler import Demand, Machine, Plan, Rules
from cloudlayer.scheduler.choices import Chooser
from cloudlayer.scheduler.outcome import Outcome
from cloudlayer.scheduler.telling import ground


class Grounds:
    """Of one plan; worked out only once somebody asks."""

    def __init__(
        self, plan: Plan, demands: Sequence[Demand], machines: Sequence[Machine], offers: Sequence[Offer], rules: Rules
    ) -> None:
        """All but the plan is what it was made from."""
        self._made_from = plan, demands, machines, offers, rules

    def of(self, demand: str, machine: str) -> str:
        """Why the replica that `demand` asks for is on the machine, in a few words."""
        return ground(self._chooser.choice(demand, machine))

    @cached_property
    def _chooser(self) -> Chooser:
        return Chooser(Outcome(*self._made_from))
