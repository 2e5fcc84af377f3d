"""What one replica does to the state of one machine, and all states that may follow. Kernels (see `compiled`).

`row` is a state as in `states`, `table` what is known of shapes and kinds.
"""

from __future__ import annotations

from cloudlayer.scheduler.placing.arrays import Integers
from cloudlayer.scheduler.placing.states import Table

FULL = 1000
BEGIN = 4
FAR = 1 << 62


def ones(bits: int) -> int:
    """How many bits are set."""
    count = 0
    while bits:
        bits &= bits - 1
        count += 1
    return count


def left_of(table: Table, row: Integers, device: int) -> int:
    """Thousandths of a device that can still be used, by the scarcest of memory, compute and slices."""
    width = (len(row) - BEGIN) // 3
    compute = row[BEGIN + device]
    if compute < 0:
        return 0
    size = table.size[row[0], device]
    if size > 0:
        compute = min(compute, row[BEGIN + width + device] * FULL // size)
    taken = row[BEGIN + 2 * width + device]
    if taken == 0:
        return int(compute)
    pieces = table.pieces[table.model[row[0], device]]
    return int(compute * (pieces - ones(taken)) // max(pieces, 1))


def idle_of(table: Table, row: Integers) -> int:
    """Thousandths of all devices of a machine that can still be used."""
    total = 0
    for device in range((len(row) - BEGIN) // 3):
        total += left_of(table, row, device)
    return total


def suits(table: Table, row: Integers, shape: int, device: int) -> bool:
    """Whether the device has room for the shape's part on one device."""
    width = (len(row) - BEGIN) // 3
    compute, taken = row[BEGIN + device], row[BEGIN + 2 * width + device]
    if compute < 0 or not table.accepted[shape, table.model[row[0], device]]:
        return False
    free = row[BEGIN + width + device]
    untouched = compute == FULL and free == table.size[row[0], device]
    if table.profile[shape] >= 0:
        return bool(untouched and best_place(table, row, shape, device) != 0)
    if taken != 0:
        return False
    if table.whole[shape]:
        return bool(untouched)
    return bool(compute >= table.compute[shape] and free >= table.share[shape])


def best_place(table: Table, row: Integers, shape: int, device: int) -> int:
    """Those that keep the most slices of all places open, ties by the highest: the rule by which instances are made."""
    width = (len(row) - BEGIN) // 3
    places = table.places[table.model[row[0], device]]
    taken = row[BEGIN + 2 * width + device]
    best, most = 0, -1
    for place in places[table.profile[shape]]:
        if place == 0 or place & taken != 0:
            continue
        room = 0
        for other in places.ravel():
            if other & (taken | place) == 0:
                room += ones(other)
        if room > most or (room == most and place > best):
            best, most = place, room
    return best


def holds(table: Table, row: Integers, shape: int) -> bool:
    """Whether one replica of the shape fits."""
    if not table.allowed[row[0], shape] or row[1] < table.cpu[shape]:
        return False
    if row[2] < table.memory[shape] or row[3] < table.disk[shape]:
        return False
    wanted = table.devices[shape]
    if wanted == 0:
        return True
    for device in range((len(row) - BEGIN) // 3):
        if suits(table, row, shape, device):
            wanted -= 1
            if wanted == 0:
                return True
    return False


def choose(table: Table, row: Integers, shape: int, chosen: Integers) -> None:
    """Set `chosen` (D,) to 1 for the devices taken: whole ones from the first on, else the tightest, ties by place."""
    chosen[:] = 0
    tight = not table.whole[shape]
    for _ in range(table.devices[shape]):
        best, least = -1, FAR
        for device in range(len(chosen)):
            if chosen[device] == 0 and suits(table, row, shape, device):
                left = left_of(table, row, device) if tight else 0
                if left < least:
                    best, least = device, left
        chosen[best] = 1


def take(table: Table, row: Integers, shape: int, chosen: Integers) -> None:
    """Take the shape's part out of the row."""
    width = len(chosen)
    row[1] -= table.cpu[shape]
    row[2] -= table.memory[shape]
    row[3] -= table.disk[shape]
    for device in range(width):
        if chosen[device] == 0:
            continue
        if table.profile[shape] >= 0:
            row[BEGIN + 2 * width + device] |= best_place(table, row, shape, device)
        elif table.whole[shape]:
            row[BEGIN + device] = 0
            row[BEGIN + width + device] = 0
        else:
            row[BEGIN + device] -= table.compute[shape]
            row[BEGIN + width + device] -= table.share[shape]


def after(table: Table, row: Integers, device: int, other: int) -> bool:
    """Whether what is free of `device` sorts after that of `other`."""
    width = (len(row) - BEGIN) // 3
    for part in range(3):
        mine, theirs = row[BEGIN + part * width + device], row[BEGIN + part * width + other]
        if mine != theirs:
            return bool(mine > theirs)
    return False


def alike(table: Table, row: Integers, device: int, other: int) -> bool:
    """Whether two devices are of one model and size."""
    kind = row[0]
    same_size = table.size[kind, device] == table.size[kind, other]
    return bool(same_size and table.model[kind, device] == table.model[kind, other])


def order(table: Table, row: Integers) -> None:
    """Sort the devices of each model and size by what is free, as states have it."""
    width = (len(row) - BEGIN) // 3
    for last in range(1, width):
        place = last
        while place > 0 and alike(table, row, place, place - 1) and after(table, row, place - 1, place):
            for part in range(3):
                at = BEGIN + part * width + place
                held = row[at]
                row[at] = row[at - 1]
                row[at - 1] = held
            place -= 1


def expand(table: Table, row: Integers, shape: int, results: Integers, devices: Integers) -> int:
    """All states after placing one replica, into `results` (D or 1, W), its devices into `devices` (D or 1, D); how many.

    A share of one device has a choice: any of its devices, those alike taken once. Everything else goes as `choose` says.
    """
    if not holds(table, row, shape):
        return 0
    width = devices.shape[1]
    open_choice = table.devices[shape] == 1 and not table.whole[shape] and table.profile[shape] < 0
    if not open_choice:
        results[0] = row
        if table.devices[shape] > 0:
            choose(table, row, shape, devices[0])
        else:
            devices[0, :] = 0
        take(table, results[0], shape, devices[0])
        order(table, results[0])
        return 1
    count = 0
    for device in range(width):
        twin = device > 0 and alike(table, row, device, device - 1) and not after(table, row, device, device - 1)
        if twin or not suits(table, row, shape, device):
            continue
        results[count] = row
        devices[count, :] = 0
        devices[count, device] = 1
        take(table, results[count], shape, devices[count])
        order(table, results[count])
        count += 1
    return count


def expand_all(  # noqa: PLR0917  # a kernel
    table: Table, rows: Integers, shapes: Integers, results: Integers, devices: Integers, starts: Integers
) -> int:
    """`expand` for each row and its shape, one after another; those of row i begin at `starts[i]`. How many in all."""
    total = 0
    for index in range(len(rows)):
        starts[index] = total
        total += expand(table, rows[index], shapes[index], results[total:], devices[total:])
    starts[len(rows)] = total
    return total
