"""Evening groups out over machines or zones, as far as what is already there or bought has room. It buys nothing."""

from __future__ import annotations

from cloudlayer.scheduler.fit import fit
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
    if here < 2 or demand.together:  # a gang that is to be together must not be parted
        return False
    better = [
        (crowd, target, devices)
        for target, free in packing.machines.items()
        if (crowd := packing.crowd(demand, target)) <= here - 2 and (devices := fit(demand, free)) is not None
    ]
    if not better:
        return False
    _, target, devices = min(better)
    packing.move(replica, machine, target, devices)
    return True
