"""Ruin and recreate: kernels that empty a few machines, fill them anew, and keep what is not worse.

After Schrimpf et al., "Record breaking optimization results using the ruin and recreate principle" (2000).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cloudlayer.scheduler.placing.board import (
    Board,
    Cells,
    draw,
    find,
    listed,
    next_waiting,
    note_idle,
    occupy,
    release,
    stand,
)

MOST_MACHINES: Final = 3
"""So many are emptied at once."""
STRANGERS: Final = 16
"""So many draws among the shapes that wait elsewhere take part in a filling."""

ALL: Final = 1 << 40
"""No limit to how many."""


class Search(NamedTuple):
    """What a search has in cells of its own; `worth` (K,) is what a replica counts.

    `scaled` (K,) is the same and `scaled_cpu` (K,) the processors, both in parts of 1024 of the greatest. `valued` are the
    shapes that count at all. The rest is room to work in: the machines `chosen`, the `order` of shapes by
    `keys`, `seen` shapes, and what was on those machines (`saved_*`). `most_waiting` (K,) is how many of a shape may wait.
    """

    valued_count: int
    worth: int
    scaled: int
    scaled_cpu: int
    valued: int
    chosen: int
    order: int
    keys: int
    seen: int
    saved: int
    saved_devices: int
    saved_taken: int
    counts: int
    most_waiting: int


def fill_all(cells: Cells, at: Board, order: Cells) -> None:
    """Put whoever waits on the first machine that it fits, the shapes in the order given."""
    for place in range(len(order)):
        shape = order[place]
        for machine in range(at.machines):
            if cells[at.number + shape] == 0:
                break
            put_some(cells, at, shape, machine, ALL)
    for machine in range(at.machines):
        note_idle(cells, at, machine)


def put_some(cells: Cells, at: Board, shape: int, machine: int, most: int) -> int:
    """As many of the shape as wait and fit, and no more than `most`; returns how many."""
    put = 0
    while put < most and cells[at.number + shape] > 0:
        devices = find(cells, at, shape, machine)
        if devices < 0:
            break
        occupy(cells, at, next_waiting(cells, at, shape), machine, devices)
        put += 1
    return put


def lift_worthless(cells: Cells, at: Board, own: Search) -> None:
    """Take the replicas that do not count from their machines."""
    for item in range(at.replicas):
        if cells[at.machine + item] >= 0 and cells[own.worth + cells[at.shape + item]] == 0:
            release(cells, at, item)


def improve(cells: Cells, at: Board, own: Search, iterations: int) -> bool:
    """So many tries, as long as any wait that count; returns whether some do."""
    for _ in range(iterations):
        if not some_wait(cells, at, own):
            return False
        machines = choose(cells, at, own)
        before = lift(cells, at, own, machines)
        shapes = candidates(cells, at, own, cells[own.counts + machines - 1])
        rank(cells, at, own, shapes)
        after = refill(cells, at, own, machines, shapes)
        if after < before or too_many_wait(cells, at, own, shapes):
            restore(cells, at, own, machines)
        else:
            for place in range(machines):
                note_idle(cells, at, cells[own.chosen + place])
    return some_wait(cells, at, own)


def some_wait(cells: Cells, at: Board, own: Search) -> bool:
    """Whether any of the shapes that count has a replica without a place."""
    waiting = 0
    for place in range(own.valued_count):
        waiting += cells[at.number + cells[own.valued + place]]
    return waiting > 0


def too_many_wait(cells: Cells, at: Board, own: Search, shapes: int) -> bool:
    """Whether more of a shape that took part wait than may."""
    for place in range(shapes):
        shape = cells[own.order + place]
        if cells[at.number + shape] > cells[own.most_waiting + shape]:
            return True
    return False


def choose(cells: Cells, at: Board, own: Search) -> int:
    """One machine with something left, if there is one, and up to two others."""
    wanted = 1 + draw(cells, at, MOST_MACHINES)
    if cells[at.idlers] > 0:
        cells[own.chosen] = cells[at.idle + draw(cells, at, cells[at.idlers])]
    else:
        cells[own.chosen] = draw(cells, at, at.machines)
    machines = 1
    for _ in range(wanted - 1):
        machines = listed(cells, own.chosen, machines, draw(cells, at, at.machines))
    return machines


def lift(cells: Cells, at: Board, own: Search, machines: int) -> int:
    """Empty the chosen machines, keeping in mind what was on them; returns what that counted."""
    width, worth, items = at.width, 0, 0
    for place in range(machines):
        machine = cells[own.chosen + place]
        while cells[at.head + machine] >= 0:
            item = cells[at.head + machine]
            cells[own.saved + items] = item
            cells[own.saved_devices + items] = cells[at.devices + item]
            for device in range(width):
                cells[own.saved_taken + items * width + device] = cells[at.taken + item * width + device]
            worth += cells[own.worth + cells[at.shape + item]]
            release(cells, at, item)
            items += 1
        cells[own.counts + place] = items
    return worth


def restore(cells: Cells, at: Board, own: Search, machines: int) -> None:
    """What was on the chosen machines before, on the same devices."""
    width, item_place = at.width, 0
    for place in range(machines):
        while cells[at.head + cells[own.chosen + place]] >= 0:
            release(cells, at, cells[at.head + cells[own.chosen + place]])
    for place in range(machines):
        while item_place < cells[own.counts + place]:
            item = cells[own.saved + item_place]
            for device in range(width):
                cells[at.taken + item * width + device] = cells[own.saved_taken + item_place * width + device]
            stand(cells, at, item, cells[own.chosen + place], cells[own.saved_devices + item_place])
            item_place += 1


def candidates(cells: Cells, at: Board, own: Search, items: int) -> int:
    """The shapes of the lifted, and some of those that waited anyway; returns how many."""
    shapes = 0
    for place in range(items):
        shapes = note_shape(cells, own, cells[at.shape + cells[own.saved + place]], shapes)
    for _ in range(STRANGERS):
        shape = cells[own.valued + draw(cells, at, own.valued_count)]
        if cells[at.number + shape] > 0:
            shapes = note_shape(cells, own, shape, shapes)
    for place in range(shapes):
        cells[own.seen + cells[own.order + place]] = 0
    return shapes


def note_shape(cells: Cells, own: Search, shape: int, shapes: int) -> int:
    """Into the order, once."""
    if cells[own.seen + shape]:
        return shapes
    cells[own.seen + shape] = 1
    cells[own.order + shapes] = shape
    return shapes + 1


def rank(cells: Cells, at: Board, own: Search, shapes: int) -> None:
    """Order the shapes: in half of the tries by chance, else by worth less a price of processors, with noise."""
    by_chance = draw(cells, at, 2) == 0
    price = draw(cells, at, 1024)
    for place in range(shapes):
        shape = cells[own.order + place]
        key = draw(cells, at, 1024)
        if not by_chance:
            worth = cells[own.scaled + shape] * 1024 - price * cells[own.scaled_cpu + shape]
            key = -(worth * (768 + key // 2))
        cells[own.keys + place] = key
    for place in range(1, shapes):
        shape, key = cells[own.order + place], cells[own.keys + place]
        before = place - 1
        while before >= 0 and cells[own.keys + before] > key:
            cells[own.keys + before + 1] = cells[own.keys + before]
            cells[own.order + before + 1] = cells[own.order + before]
            before -= 1
        cells[own.keys + before + 1] = key
        cells[own.order + before + 1] = shape


def refill(cells: Cells, at: Board, own: Search, machines: int, shapes: int) -> int:
    """Fill the chosen machines in the order of the shapes; returns what that counts.

    In one of eight tries a machine takes one or two of a shape at first, and only then as many as fit: by nothing but full
    turns of one shape no mixed filling is found that has several of each.
    """
    worth, most = 0, 1 + draw(cells, at, 16)
    most = most if most < 3 else ALL
    while True:
        for place in range(shapes):
            shape = cells[own.order + place]
            for chosen in range(machines):
                if cells[at.number + shape] == 0:
                    break
                worth += cells[own.worth + shape] * put_some(cells, at, shape, cells[own.chosen + chosen], most)
        if most > 2:
            return worth
        most = ALL
