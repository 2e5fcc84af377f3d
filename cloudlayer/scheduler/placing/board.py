"""Machines and the replicas on them as flat sequences, and the steps of which a search is made.

Kernels (see `compiled`): all loops are over whole numbers, so that lists and arrays, CPython and machine code agree.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Final, NamedTuple

Cells = MutableSequence[int]

NOWHERE: Final = -1
FULL: Final = 1000
"""The compute of a device on which nothing runs."""


class Board(NamedTuple):
    """Where what stands in the cells: K shapes, M machines of D devices, N replicas. A matrix's rows follow one another.

    The first seven are numbers themselves, the rest are the places of first cells. The replicas on a machine are a linked list
    from `head`; those that wait are in stacks by shape: `waiting` from `start[shape]` on, `number[shape]` of them. `idle` lists
    the machines, `idlers` of them, with something left to sell: compute of a device, or, where there is none, processors.
    One row of cells and not many sequences, since machine code counts references to each that it is handed.
    """

    shapes: int
    machines: int
    width: int
    model_count: int
    profile_count: int
    place_count: int
    replicas: int
    need_cpu: int
    need_memory: int
    need_disk: int
    need_devices: int
    need_whole: int
    need_share: int
    need_compute: int
    need_profile: int
    allowed: int
    models: int
    places: int
    cpu: int
    memory: int
    disk: int
    share: int
    compute: int
    slices: int
    size: int
    model: int
    shape: int
    machine: int
    devices: int
    taken: int
    head: int
    following: int
    preceding: int
    start: int
    waiting: int
    number: int
    position: int
    idle: int
    idle_position: int
    idlers: int
    random: int


def draw(cells: Cells, at: Board, below: int) -> int:
    """A number from 0 up to `below`, by Marsaglia's xorshift of 32 bits, whose state is never 0."""
    state = cells[at.random]
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    state ^= (state << 5) & 0xFFFFFFFF
    cells[at.random] = state
    return state % below


def find(cells: Cells, at: Board, shape: int, machine: int) -> int:
    """The devices, as bits, on which a replica of `shape` goes on `machine`: 0 if it needs none, NOWHERE if it does not fit."""
    if not cells[at.allowed + shape * at.machines + machine] or cells[at.cpu + machine] < cells[at.need_cpu + shape]:
        return NOWHERE
    if cells[at.memory + machine] < cells[at.need_memory + shape] or cells[at.disk + machine] < cells[at.need_disk + shape]:
        return NOWHERE
    if cells[at.need_devices + shape] == 0:
        return 0
    if cells[at.need_profile + shape] >= 0 or cells[at.need_whole + shape]:
        return first_devices(cells, at, shape, machine)
    return tightest_devices(cells, at, shape, machine)


def first_devices(cells: Cells, at: Board, shape: int, machine: int) -> int:
    """Untouched devices, or those with room for a MIG instance, the first ones."""
    width, row = at.width, shape * at.model_count
    wanted, found, sliced = cells[at.need_devices + shape], 0, cells[at.need_profile + shape] >= 0
    for spot in range(machine * width, machine * width + width):
        if (
            cells[at.compute + spot] != FULL
            or cells[at.share + spot] != cells[at.size + spot]
            or not cells[at.models + row + cells[at.model + spot]]
        ):
            continue
        if open_place(cells, at, shape, spot) != 0 if sliced else cells[at.slices + spot] == 0:
            found |= 1 << (spot - machine * width)
            wanted -= 1
            if wanted == 0:
                return found
    return NOWHERE


def open_place(cells: Cells, at: Board, shape: int, spot: int) -> int:
    """The first slices, as bits, that an instance of the shape's profile can take of the device; 0 if there are none."""
    base = (cells[at.model + spot] * at.profile_count + cells[at.need_profile + shape]) * at.place_count
    for place in range(base, base + at.place_count):
        if cells[at.places + place] != 0 and cells[at.places + place] & cells[at.slices + spot] == 0:
            return cells[at.places + place]
    return 0


def tightest_devices(cells: Cells, at: Board, shape: int, machine: int) -> int:
    """Those that have room for the share and the least left, by compute, then memory, then index."""
    width, found = at.width, 0
    least_compute, least_share = 0, 0
    for _ in range(cells[at.need_devices + shape]):
        best = -1
        for spot in range(machine * width, machine * width + width):
            if not found >> (spot - machine * width) & 1 and has_room(cells, at, shape, spot):
                compute, share = cells[at.compute + spot], cells[at.share + spot]
                if best < 0 or compute < least_compute or (compute == least_compute and share < least_share):
                    best, least_compute, least_share = spot, compute, share
        if best < 0:
            return NOWHERE
        found |= 1 << (best - machine * width)
    return found


def has_room(cells: Cells, at: Board, shape: int, spot: int) -> bool:
    """Whether the device can hold the shape's share beside what is on it."""
    compute = cells[at.compute + spot]
    if compute < 0 or compute < cells[at.need_compute + shape] or cells[at.share + spot] < cells[at.need_share + shape]:
        return False
    return cells[at.slices + spot] == 0 and cells[at.models + shape * at.model_count + cells[at.model + spot]] != 0


def occupy(cells: Cells, at: Board, item: int, machine: int, devices: int) -> None:
    """Put a replica that waits on a machine that it fits."""
    shape, width = cells[at.shape + item], at.width
    if cells[at.need_profile + shape] >= 0:
        for device in range(width):
            if devices >> device & 1:
                cells[at.taken + item * width + device] = open_place(cells, at, shape, machine * width + device)
    stand(cells, at, item, machine, devices)


def stand(cells: Cells, at: Board, item: int, machine: int, devices: int) -> None:
    """Put a replica that waits on just these devices, of MIG ones on just the slices in `taken`."""
    leave_queue(cells, at, item)
    shape, width = cells[at.shape + item], at.width
    cells[at.cpu + machine] -= cells[at.need_cpu + shape]
    cells[at.memory + machine] -= cells[at.need_memory + shape]
    cells[at.disk + machine] -= cells[at.need_disk + shape]
    cells[at.devices + item] = devices
    for device in range(width):
        if devices >> device & 1:
            spot = machine * width + device
            if cells[at.need_profile + shape] >= 0:
                cells[at.slices + spot] |= cells[at.taken + item * width + device]
            elif cells[at.need_whole + shape]:
                cells[at.share + spot] = 0
                cells[at.compute + spot] = 0
            else:
                cells[at.share + spot] -= cells[at.need_share + shape]
                cells[at.compute + spot] -= cells[at.need_compute + shape]
    link(cells, at, item, machine)


def release(cells: Cells, at: Board, item: int) -> None:
    """Take a replica from its machine; it waits again."""
    shape, machine, width = cells[at.shape + item], cells[at.machine + item], at.width
    cells[at.cpu + machine] += cells[at.need_cpu + shape]
    cells[at.memory + machine] += cells[at.need_memory + shape]
    cells[at.disk + machine] += cells[at.need_disk + shape]
    for device in range(width):
        if cells[at.devices + item] >> device & 1:
            spot = machine * width + device
            if cells[at.need_profile + shape] >= 0:
                cells[at.slices + spot] &= ~cells[at.taken + item * width + device]
            elif cells[at.need_whole + shape]:
                cells[at.share + spot] = cells[at.size + spot]
                cells[at.compute + spot] = FULL
            else:
                cells[at.share + spot] += cells[at.need_share + shape]
                cells[at.compute + spot] += cells[at.need_compute + shape]
    unlink(cells, at, item)
    join_queue(cells, at, item)


def link(cells: Cells, at: Board, item: int, machine: int) -> None:
    """Into the list of the machine's replicas."""
    first = cells[at.head + machine]
    cells[at.machine + item] = machine
    cells[at.following + item] = first
    cells[at.preceding + item] = -1
    if first >= 0:
        cells[at.preceding + first] = item
    cells[at.head + machine] = item


def unlink(cells: Cells, at: Board, item: int) -> None:
    """Out of the list of its machine's replicas."""
    before, after = cells[at.preceding + item], cells[at.following + item]
    if before >= 0:
        cells[at.following + before] = after
    else:
        cells[at.head + cells[at.machine + item]] = after
    if after >= 0:
        cells[at.preceding + after] = before
    cells[at.machine + item] = -1


def join_queue(cells: Cells, at: Board, item: int) -> None:
    """Onto the stack of its shape."""
    shape = cells[at.shape + item]
    place = cells[at.start + shape] + cells[at.number + shape]
    cells[at.waiting + place] = item
    cells[at.position + item] = place
    cells[at.number + shape] += 1


def leave_queue(cells: Cells, at: Board, item: int) -> None:
    """Out of the stack of its shape, wherever in it."""
    shape = cells[at.shape + item]
    cells[at.number + shape] -= 1
    last = cells[at.waiting + cells[at.start + shape] + cells[at.number + shape]]
    cells[at.waiting + cells[at.position + item]] = last
    cells[at.position + last] = cells[at.position + item]


def next_waiting(cells: Cells, at: Board, shape: int) -> int:
    """A replica of the shape that waits; there must be one."""
    return cells[at.waiting + cells[at.start + shape] + cells[at.number + shape] - 1]


def listed(cells: Cells, start: int, count: int, machine: int) -> int:
    """Append the machine to a list of `count` at `start`, unless it is in it; returns how many there are then."""
    for place in range(count):
        if cells[start + place] == machine:
            return count
    cells[start + count] = machine
    return count + 1


def note_idle(cells: Cells, at: Board, machine: int) -> None:
    """Keep the list of machines with something left right."""
    width = at.width
    devices, left = False, False
    for spot in range(machine * width, machine * width + width):
        devices = devices or cells[at.compute + spot] >= 0
        left = left or cells[at.compute + spot] > 0
    left = left if devices else cells[at.cpu + machine] > 0
    place = cells[at.idle_position + machine]
    if left and place < 0:
        cells[at.idle + cells[at.idlers]] = machine
        cells[at.idle_position + machine] = cells[at.idlers]
        cells[at.idlers] += 1
    elif not left and place >= 0:
        cells[at.idlers] -= 1
        last = cells[at.idle + cells[at.idlers]]
        cells[at.idle + place] = last
        cells[at.idle_position + last] = place
        cells[at.idle_position + machine] = -1


def settle(cells: Cells, at: Board, machines: Cells, devices: Cells) -> None:
    """Everybody on the machine and devices given, -1 for those who wait."""
    for item in range(len(machines)):
        join_queue(cells, at, item)
    for item in range(len(machines)):
        if machines[item] >= 0:
            stand(cells, at, item, machines[item], devices[item])
    for machine in range(at.machines):
        note_idle(cells, at, machine)
