"""Evening groups out over machines or zones, as far as what is already there or bought has room. It buys nothing."""

from __future__ import annotations

from cloudlayer.scheduler.packing import Packing
from cloudlayer.scheduler.types import Demand


def even_out(packing: Packing) -> None:
    """Move replicas that have a `spread` to where their group is fewer, until no move makes it more even.

    Each move lowers the sum of the squared counts that its `spread` speaks of, so moves come to an end; the bound on the
    rounds is for a group whose members name different ones.
    """
    for _ in packing.spread_demands():
        moves = [_move(packing, replica, demand, machine) for replica, demand, machine in packing.spread_demands()]
        if not any(moves):
            break


def _move(packing: Packing, replica: str, demand: Demand, machine: str) -> bool:
    here = packing.crowd(demand, machine)
    if here < 2:
        return False
    better = [
        (packing.crowd(demand, target), target, devices)
        for target, devices in packing.candidates(demand)
        if packing.crowd(demand, target) <= here - 2
    ]
    if not better:
        return False
    _, target, devices = min(better)
    packing.move(replica, machine, target, devices)
    return True
