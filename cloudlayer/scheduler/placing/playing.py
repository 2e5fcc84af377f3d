"""What is left of a machine when replicas go on coming, and what of it is of no use now. Kernels (see `compiled`).

They run over states by the hundred thousand, so they take arrays one by one and keep a machine's numbers at hand. A device
that is cut into MIG instances is left as it is: its rest counts as idle.
"""

from __future__ import annotations

from cloudlayer.scheduler.placing.arrays import Booleans, Integers

FULL = 1000
BEGIN = 4
FAR = 1 << 62
# the columns of `needs`
CPU, MEMORY, DISK, DEVICES, WHOLE, SHARE, COMPUTE, ASKS = 0, 1, 2, 3, 4, 5, 6, 7


def left_on(compute: int, memory: int, size: int) -> int:
    """Thousandths of a device that can still be used, by the scarcer of compute and memory."""
    if compute <= 0:
        return 0
    return min(compute, memory * FULL // size) if size > 0 else compute


def lay_out(row: Integers, size: Integers, pieces: Integers, free: Integers) -> int:
    """Set `free` (3, D): compute, memory and what is left of each device, none where it is cut; the idle rest of those cut."""
    width = len(size)
    rest = 0
    for device in range(width):
        compute, memory = row[BEGIN + device], row[BEGIN + width + device]
        left = left_on(compute, memory, size[device])
        taken = row[BEGIN + 2 * width + device]
        if taken != 0:
            total, cut = pieces[device], 0
            while taken != 0:
                taken &= taken - 1
                cut += 1
            rest += left * (total - cut) // max(total, 1)
            compute, memory, left = -1, -1, 0
        free[0, device] = compute
        free[1, device] = memory
        free[2, device] = left
    return rest


def roomy(need: Integers, size: Integers, free: Integers, device: int) -> bool:
    """Whether a device, of a model that is accepted, has room for a share, or is untouched."""
    if need[WHOLE] != 0:
        return bool(free[0, device] == FULL and free[1, device] == size[device])
    return bool(free[0, device] >= 0 and free[0, device] >= need[COMPUTE] and free[1, device] >= need[SHARE])


def serve(needs: Integers, shape: int, suited: Booleans, size: Integers, free: Integers) -> int:
    """Take the devices of one replica: the first untouched, else the tightest. What idle falls by, -1 if there is no room."""
    if needs[shape, WHOLE] != 0:
        return serve_whole(needs[shape, DEVICES], shape, suited, size, free)
    if needs[shape, DEVICES] == 1:
        return serve_share(needs, shape, suited, size, free)
    return serve_shares(needs, shape, suited, size, free)


def serve_whole(wanted: int, shape: int, suited: Booleans, size: Integers, free: Integers) -> int:
    """Take the first untouched devices."""
    found = 0
    for device in range(len(size)):
        if free[0, device] == FULL and free[1, device] == size[device] and suited[shape, device]:
            found += 1
    if found < wanted:
        return -1
    fallen = 0
    for device in range(len(size)):
        if fallen < wanted * FULL and free[0, device] == FULL and free[1, device] == size[device] and suited[shape, device]:
            fallen += FULL
            free[0, device] = 0
            free[1, device] = 0
            free[2, device] = 0
    return fallen


def serve_share(needs: Integers, shape: int, suited: Booleans, size: Integers, free: Integers) -> int:
    """Take a share of the tightest device."""
    compute, memory = needs[shape, COMPUTE], needs[shape, SHARE]
    best, least = -1, FAR
    for device in range(len(size)):
        left = free[2, device]
        if left < least and free[0, device] >= compute and free[1, device] >= memory and suited[shape, device]:
            best, least = device, left
    if best < 0:
        return -1
    free[0, best] -= compute
    free[1, best] -= memory
    free[2, best] = left_on(free[0, best], free[1, best], size[best])
    return int(least - free[2, best])


def serve_shares(needs: Integers, shape: int, suited: Booleans, size: Integers, free: Integers) -> int:
    """Take a share of each of some devices, the tightest. Those taken are marked, so that they are different ones."""
    compute, memory, found, fallen = needs[shape, COMPUTE], needs[shape, SHARE], 0, 0
    for device in range(len(size)):
        if free[0, device] >= compute and free[1, device] >= memory and suited[shape, device]:
            found += 1
    if found < needs[shape, DEVICES]:
        return -1
    for _ in range(needs[shape, DEVICES]):
        best, least = 0, FAR
        for device in range(len(size)):
            left = free[2, device]
            roomy = free[0, device] >= compute and free[1, device] >= memory
            if 0 <= left < least and roomy and suited[shape, device]:
                best, least = device, left
        fallen += least
        free[0, best] -= compute
        free[1, best] -= memory
        free[2, best] = -1 - left_on(free[0, best], free[1, best], size[best])
    for device in range(len(size)):
        if free[2, device] < 0:
            free[2, device] = -1 - free[2, device]
            fallen -= free[2, device]
    return fallen


def play(  # noqa: PLR0917  # a kernel
    needs: Integers,
    suited: Booleans,
    size: Integers,
    alone: Integers,
    free: Integers,
    sequence: Integers,
    number: int,
    closed: Integers,
) -> int:
    """The idle thousandths left after a sequence. `alone`: processors, memory, disk, idle now, what it may ask for, and how
    many shapes with devices are open. `closed` (K,) is `number` or more for a shape that fits no more: it never does again."""
    cpu, memory, disk, idle, limit, live = alone[0], alone[1], alone[2], alone[3], alone[4], alone[5]
    for place in range(len(sequence)):
        shape = sequence[place]
        limit -= needs[shape, ASKS]
        if limit < 0:
            break
        if closed[shape] >= number:
            continue
        fallen = -1
        if cpu >= needs[shape, CPU] and memory >= needs[shape, MEMORY] and disk >= needs[shape, DISK]:
            fallen = 0 if needs[shape, DEVICES] == 0 else serve(needs, shape, suited, size, free)
        if fallen >= 0:
            idle -= fallen
            cpu -= needs[shape, CPU]
            memory -= needs[shape, MEMORY]
            disk -= needs[shape, DISK]
        else:
            closed[shape] = number
            live -= needs[shape, DEVICES] > 0
        if idle == 0 or live == 0:
            break
    return int(idle)


def close(  # noqa: PLR0917  # a kernel
    needs: Integers,
    allowed: Booleans,
    suited: Booleans,
    size: Integers,
    alone: Integers,
    free: Integers,
    comes: Integers,
    closed: Integers,
) -> int:
    """Set `closed` (K,) to FAR for shapes that never fit as things are, and those that never come, to -1 for others.

    How many of those others have devices.
    """
    live = 0
    for shape in range(len(needs)):
        closed[shape] = FAR
        if comes[shape] == 0 or not allowed[shape] or alone[0] < needs[shape, CPU]:
            continue
        if alone[1] < needs[shape, MEMORY] or alone[2] < needs[shape, DISK]:
            continue
        if needs[shape, DEVICES] > 0:
            found = 0
            for device in range(len(size)):
                found += suited[shape, device] and roomy(needs[shape], size, free, device)
            if found < needs[shape, DEVICES]:
                continue
            live += 1
        closed[shape] = -1
    return live


def replayed(  # noqa: PLR0917  # a kernel
    needs: Integers,
    allowed: Booleans,
    suited: Booleans,
    size: Integers,
    pieces: Integers,
    rows: Integers,
    sequences: Integers,
    horizon: int,
    values: Integers,
) -> None:
    """The idle thousandths that are left of each state (n, W) after each sequence has come, added up over sequences.

    A sequence ends when it has asked for `horizon` times the devices that the machine has. `size` and `pieces` (kinds, D).
    """
    width = size.shape[1]
    start, free = rows[:1, :1].repeat(3 * width).reshape(3, width), rows[:1, :1].repeat(3 * width).reshape(3, width)
    alone, closed, comes = rows[0, :1].repeat(6), rows[0, :1].repeat(len(needs)), rows[0, :1].repeat(len(needs))
    comes[:] = 0
    for sequence in sequences:
        for shape in sequence:
            comes[shape] = 1
    for index in range(len(rows)):
        row, kind = rows[index], rows[index, 0]
        rest = lay_out(row, size[kind], pieces[kind], start)
        alone[:3] = row[1:BEGIN]
        alone[3], alone[4] = start[2].sum(), horizon * FULL * (row[BEGIN : BEGIN + width] >= 0).sum()
        alone[5] = close(needs, allowed[kind], suited[kind], size[kind], alone, start, comes, closed)
        values[index] = (rest + alone[3]) * len(sequences)
        if alone[5] == 0:
            continue
        total = rest * len(sequences)
        for number in range(len(sequences)):
            free[:, :] = start
            total += play(needs, suited[kind], size[kind], alone, free, sequences[number], number, closed)
        values[index] = total


def fragmented(  # noqa: PLR0917  # a kernel
    needs: Integers,
    allowed: Booleans,
    suited: Booleans,
    size: Integers,
    pieces: Integers,
    rows: Integers,
    weights: Integers,
    values: Integers,
) -> None:
    """The idle thousandths of each state that a shape cannot use, added up by the shapes' weights (K,)."""
    width = size.shape[1]
    free = rows[:1, :1].repeat(3 * width).reshape(3, width)
    for index in range(len(rows)):
        row, kind = rows[index], rows[index, 0]
        rest = lay_out(row, size[kind], pieces[kind], free)
        idle = rest + free[2].sum()
        total = 0
        for shape in range(len(weights)):
            if weights[shape] != 0:
                useful = 0
                if allowed[kind, shape] and row[1] >= needs[shape, CPU] and row[2] >= needs[shape, MEMORY]:
                    useful = usable(needs[shape], suited[kind, shape], size[kind], free)
                total += weights[shape] * (idle - useful)
        values[index] = total


def usable(need: Integers, suited: Booleans, size: Integers, free: Integers) -> int:
    """The idle thousandths on devices with room for one replica; 0 where they are too few, or it needs none."""
    total, found = 0, 0
    for device in range(len(size)):
        if suited[device] and roomy(need, size, free, device):
            total += free[2, device]
            found += 1
    return total if need[DEVICES] > 0 and found >= need[DEVICES] else 0
