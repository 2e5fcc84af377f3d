"""Who calls whom how often, and what calls cost, as a manifest says it."""

from __future__ import annotations

from typing import Any

from cloudlayer.functions.consolidation import Amount
from cloudlayer.specs import Duration, Size, Spec
from cloudlayer.units import KIB


class CallWeight(Spec):
    """How often one replica calls a function: `rate` calls a second, `size` bytes of each, both ways.

    They are a guess until calls were seen; then the fleet goes by those.
    """

    rate: Amount = 1.0
    size: Size = 16 * KIB


def weighted(calls: Any) -> Any:
    """The table of a list of names; whatever else is left as it is."""
    if isinstance(calls, list | tuple) and all(isinstance(name, str) for name in calls):
        return {name: CallWeight() for name in calls}
    return calls


class CallPricing(Spec):
    """What a call from one machine to another costs, in the fleet's currency; on one machine it costs nothing.

    `egress_` is per GiB and `latency_` in seconds: within a `zone`, within a `region`, and beyond. `second` is what a second is
    worth that a call waits: by default about what a core costs meanwhile.
    """

    egress_zone: Amount = 0.0
    egress_region: Amount = 0.01
    egress_world: Amount = 0.08
    latency_zone: Duration = 0.0005
    latency_region: Duration = 0.0015
    latency_world: Duration = 0.06
    second: Amount = 0.00001
