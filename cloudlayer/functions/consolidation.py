"""When a fleet's machines are emptied or swapped for cheaper ones, as its user writes it down."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from cloudlayer.specs import Duration, Number, Spec


def _finite(value: float) -> float:
    if not 0 <= value < float("inf"):
        raise ValueError("must be 0 or more")
    return value


Amount = Annotated[Number, AfterValidator(_finite)]
"""An amount in the currency of the fleet's max_price, USD without one."""


class Consolidation(Spec):
    """Nothing is emptied unless `enabled`, nor before no machine has changed for `after`.

    A step saves at least `least` per hour and the part `share` of what it empties, and within `payback` as much as it
    disrupts; moving a replica counts as much as `move`. At most `moves` replicas move at a time.
    """

    enabled: bool = True
    after: Duration = 60.0
    payback: Duration = 3600.0
    least: Annotated[Amount, Field(gt=0)] = 0.01
    share: Annotated[Amount, Field(le=1)] = 0.1
    move: Amount = 0.005
    moves: Annotated[int, Field(ge=1)] = 100
