"""Re-packing: kernels that lift a few replicas from a few machines, put all of them back in other ways and others that wait
beside them, and keep what gains more than its moves cost.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cloudlayer.scheduler.placing.board import (
    FULL,
    Board,
    Cells,
    draw,
    find,
    has_room,
    listed,
    note_idle,
    occupy,
    release,
    stand,
)

MOST_TOUCHED: Final = 4
"""Machines that one try touches at most."""
MOST_LIFTED: Final = 3
"""Replicas that one try lifts from one machine at most."""
STRANGERS: Final = 8
"""Draws among the shapes that wait."""


class Moving(NamedTuple):
    """What re-packing has in cells of its own.

    `home`, `home_devices` and `home_taken` are where each replica was at first, -1 for those who waited: they alone may
    be out in the end. `moved` is how many others are not at home, `most_moved` how many may be. `worth` (K,) is what a replica
    counts, `valued` are the shapes that count. `touched` machines; `lifted` replicas with where they were (`from_*`); `jobs`
    are what is to be put, in the order of `keys`: a replica, or -1 - shape for any that wait; `put` who was put.
    """

    valued_count: int
    worth: int
    valued: int
    home: int
    home_devices: int
    home_taken: int
    moved: int
    most_moved: int
    touched: int
    lifted: int
    from_machine: int
    from_devices: int
    from_taken: int
    jobs: int
    keys: int
    put: int


def repack_some(cells: Cells, at: Board, own: Moving, tries: int, price: int) -> None:
    """So many tries, each move at `price`, as long as any wait that count."""
    for _ in range(tries):
        if not some_wait(cells, at, own):
            break
        machines = touch(cells, at, own)
        lifted = lift_some(cells, at, own, machines)
        jobs = line_up(cells, at, own, lifted)
        put = put_jobs(cells, at, own, machines, jobs)
        gain = balance(cells, at, own, lifted, put)
        moves = moves_of(cells, at, own, lifted)
        if gain < price * moves or cells[own.moved] + moves > cells[own.most_moved] or someone_out(cells, at, own, lifted):
            put_back(cells, at, own, lifted, put)
            continue
        cells[own.moved] += moves
        for place in range(machines):
            note_idle(cells, at, cells[own.touched + place])


def some_wait(cells: Cells, at: Board, own: Moving) -> bool:
    """Whether any of the shapes that count has a replica without a place."""
    waiting = 0
    for place in range(own.valued_count):
        waiting += cells[at.number + cells[own.valued + place]]
    return waiting > 0


def touch(cells: Cells, at: Board, own: Moving) -> int:
    """One or two machines with something left, if there are any, and others; returns how many."""
    wanted, machines = 1 + draw(cells, at, MOST_TOUCHED), 0
    for place in range(wanted):
        if cells[at.idlers] > 0 and (place == 0 or draw(cells, at, 4) > 0):
            machine = cells[at.idle + draw(cells, at, cells[at.idlers])]
        else:
            machine = draw(cells, at, at.machines)
        machines = listed(cells, own.touched, machines, machine)
    return machines


def lift_some(cells: Cells, at: Board, own: Moving, machines: int) -> int:
    """Take some replicas from the touched machines, and remember where they were; returns how many."""
    lifted = 0
    for place in range(machines):
        machine = cells[own.touched + place]
        for _ in range(how_many(cells, at)):
            item = any_on(cells, at, machine)
            if item >= 0:
                remember(cells, at, own, item, lifted)
                release(cells, at, item)
                lifted += 1
    return lifted


def how_many(cells: Cells, at: Board) -> int:
    """From 0 to MOST_LIFTED, the fewer the likelier: most of what helps is one or two moves."""
    return min(draw(cells, at, MOST_LIFTED + 1), draw(cells, at, MOST_LIFTED + 1))


def any_on(cells: Cells, at: Board, machine: int) -> int:
    """One of the machine's replicas, by chance; -1 if it has none."""
    number, item = 0, cells[at.head + machine]
    while item >= 0:
        number += 1
        item = cells[at.following + item]
    if number == 0:
        return -1
    item = cells[at.head + machine]
    for _ in range(draw(cells, at, number)):
        item = cells[at.following + item]
    return item


def remember(cells: Cells, at: Board, own: Moving, item: int, place: int) -> None:
    """Where a replica is that is about to be lifted."""
    cells[own.lifted + place] = item
    cells[own.from_machine + place] = cells[at.machine + item]
    cells[own.from_devices + place] = cells[at.devices + item]
    for device in range(at.width):
        cells[own.from_taken + place * at.width + device] = cells[at.taken + item * at.width + device]


def line_up(cells: Cells, at: Board, own: Moving, lifted: int) -> int:
    """The lifted that must be placed, and shapes of those that need not be, in an order by chance; returns how many jobs."""
    jobs = 0
    for place in range(lifted):
        item = cells[own.lifted + place]
        cells[own.jobs + jobs] = item if cells[own.home + item] >= 0 else -1 - cells[at.shape + item]
        jobs += 1
    for _ in range(STRANGERS if own.valued_count > 0 else 0):
        shape = cells[own.valued + draw(cells, at, own.valued_count)]
        if cells[at.number + shape] > 0:
            cells[own.jobs + jobs] = -1 - shape
            jobs += 1
    musts = lifted if draw(cells, at, 8) else jobs
    for place in range(jobs):
        other = place + draw(cells, at, (musts if place < musts else jobs) - place)
        swapped = cells[own.jobs + place]
        cells[own.jobs + place] = cells[own.jobs + other]
        cells[own.jobs + other] = swapped
    return jobs


def put_jobs(cells: Cells, at: Board, own: Moving, machines: int, jobs: int) -> int:
    """Put all that fits on the touched machines, job by job; returns how many replicas."""
    put = 0
    for place in range(jobs):
        job = cells[own.jobs + place]
        first = draw(cells, at, machines)
        for step in range(machines):
            machine = cells[own.touched + (first + step) % machines]
            item = job if job >= 0 else free_one(cells, at, own, -1 - job)
            if item < 0:
                break
            if put_one(cells, at, own, item, machine):
                cells[own.put + put] = item
                put += 1
                if job >= 0:
                    break
        if job >= 0 and cells[at.machine + job] < 0:
            break
    return put


def free_one(cells: Cells, at: Board, own: Moving, shape: int) -> int:
    """A waiting replica of the shape that has no home; -1 if there is none."""
    for place in range(cells[at.number + shape] - 1, -1, -1):
        item = cells[at.waiting + cells[at.start + shape] + place]
        if cells[own.home + item] < 0:
            return item
    return -1


def put_one(cells: Cells, at: Board, own: Moving, item: int, machine: int) -> bool:
    """At home on the same devices as before where they are free, else on any that it fits; False where it does not."""
    devices = find(cells, at, cells[at.shape + item], machine)
    if devices < 0:
        return False
    if machine == cells[own.home + item] and home_is_free(cells, at, own, item):
        for device in range(at.width):
            cells[at.taken + item * at.width + device] = cells[own.home_taken + item * at.width + device]
        stand(cells, at, item, machine, cells[own.home_devices + item])
    else:
        occupy(cells, at, item, machine, devices)
    return True


def home_is_free(cells: Cells, at: Board, own: Moving, item: int) -> bool:
    """Whether the devices that the replica had at first can hold it now."""
    shape, machine = cells[at.shape + item], cells[own.home + item]
    for device in range(at.width):
        if cells[own.home_devices + item] >> device & 1:
            spot = machine * at.width + device
            if cells[at.need_profile + shape] >= 0:
                slices = cells[own.home_taken + item * at.width + device]
                if cells[at.compute + spot] != FULL or cells[at.share + spot] != cells[at.size + spot]:
                    return False
                if cells[at.slices + spot] & slices:
                    return False
            elif cells[at.need_whole + shape]:
                if cells[at.compute + spot] != FULL or cells[at.share + spot] != cells[at.size + spot]:
                    return False
                if cells[at.slices + spot] != 0:
                    return False
            elif not has_room(cells, at, shape, spot):
                return False
    return True


def balance(cells: Cells, at: Board, own: Moving, lifted: int, put: int) -> int:
    """What those who were put count, less the lifted."""
    worth = 0
    for place in range(put):
        worth += cells[own.worth + cells[at.shape + cells[own.put + place]]]
    for place in range(lifted):
        worth -= cells[own.worth + cells[at.shape + cells[own.lifted + place]]]
    return worth


def moves_of(cells: Cells, at: Board, own: Moving, lifted: int) -> int:
    """By how many more are away from home than before."""
    moves = 0
    for place in range(lifted):
        item = cells[own.lifted + place]
        if cells[own.home + item] >= 0:
            was = cells[own.from_machine + place] == cells[own.home + item]
            was = was and cells[own.from_devices + place] == cells[own.home_devices + item]
            same = cells[at.machine + item] == cells[own.home + item]
            same = same and cells[at.devices + item] == cells[own.home_devices + item]
            for device in range(at.width):
                taken = cells[own.home_taken + item * at.width + device]
                was = was and cells[own.from_taken + place * at.width + device] == taken
                same = same and cells[at.taken + item * at.width + device] == taken
            moves += (0 if same else 1) - (0 if was else 1)
    return moves


def someone_out(cells: Cells, at: Board, own: Moving, lifted: int) -> bool:
    """Whether a replica that had a place at first has none now."""
    for place in range(lifted):
        item = cells[own.lifted + place]
        if cells[own.home + item] >= 0 and cells[at.machine + item] < 0:
            return True
    return False


def put_back(cells: Cells, at: Board, own: Moving, lifted: int, put: int) -> None:
    """All as it was before the try."""
    for place in range(put):
        release(cells, at, cells[own.put + place])
    for place in range(lifted):
        item = cells[own.lifted + place]
        for device in range(at.width):
            cells[at.taken + item * at.width + device] = cells[own.from_taken + place * at.width + device]
        stand(cells, at, item, cells[own.from_machine + place], cells[own.from_devices + place])
