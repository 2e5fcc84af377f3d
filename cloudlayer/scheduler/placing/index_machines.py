"""Kernels: machines as matrices of whole numbers, which shapes fit each, how much is left of it, and replicas put and taken.

The same as `index_fits` and `bestfit_order`, in loops that numba compiles. What belongs together lies in one matrix, since an
array that a kernel is handed costs more than a number in it. Sets of shapes are words of 64 bits, the last one a sign.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cloudlayer.scheduler.placing.arrays import Integers

FULL: Final = 1000
PART: Final = 1 << 20
SPARED: Final = 1 << 22

WIDTH, WORDS, PROFILES, MODELS, CPU_SCALE, MEMORY_SCALE, COMPUTE_SCALE = range(7)
"""Entries of `sizes`: devices of each machine, words of a set, profiles, models; the scale."""
NEED_CPU, NEED_MEMORY, NEED_DISK, NEED_DEVICES, NEED_WHOLE, NEED_SHARE, NEED_COMPUTE, NEED_PROFILE, SIDE = range(9)
"""Columns of `shapes`; the side is 1 where it has devices."""
CPU, MEMORY, DISK, KEY, LOOKED = 0, 1, 2, 3, 5
"""Columns of `machines`: what is free; what is left, for shapes without and with devices; which shapes fit; which may."""
SHARE, COMPUTE, SLICES, SIZE, MODEL, LEFT, SUITS = range(7)
"""Columns of `devices`: what is free, the slices that are taken, what it is, what is left, and which shapes it suffices for."""
SHARED, OF_WHOLE, OF_MODEL = range(3)
"""Rows of `sets`: shapes of shares, of whole devices; then by model, by profile, and by binary digit of their devices."""
DIGITS: Final = 6


class Table(NamedTuple):
    """`steps` are, for each resource, the sorted needs; `bits` the shapes that are content with less than each step.

    `places` are (models, profiles, places), `spans` the number of memory slices by model.
    """

    sizes: Integers
    shapes: Integers
    steps: Integers
    bits: Integers
    sets: Integers
    places: Integers
    spans: Integers
    devices: Integers
    machines: Integers


def rank(steps: Integers, count: int, free: int) -> int:
    """How many of the first `count` sorted steps are at most `free`: by halves, with no branch to foresee wrongly."""
    low = 0
    while count > 0:
        half = (count + 1) >> 1
        low += half * (steps[low + half - 1] <= free)
        count -= half
    return low


def step_of(steps: Integers, resource: int, free: int) -> int:
    """How many of the resource's steps are at most `free`."""
    return rank(steps[resource], steps.shape[1], free)


def ones(word: int) -> int:
    """How many bits of it are set."""
    count = 0
    while word:
        word &= word - 1
        count += 1
    return count


def look_at_all(table: Table) -> None:
    """Look at all devices and all machines."""
    for at in range(len(table.devices)):
        look_at_device(table, at)
    for machine in range(len(table.machines)):
        look(table, machine)


def look_at_device(table: Table, at: int) -> None:
    """Which shapes the device suffices for, and the thousandths of it that can still be used."""
    sizes, devices, sets = table.sizes, table.devices, table.sets
    share, compute, slices, model = devices[at, SHARE], devices[at, COMPUTE], devices[at, SLICES], devices[at, MODEL]
    devices[at, LEFT] = left_of_device(table.spans, devices, at)
    untouched = compute == FULL and share == devices[at, SIZE]
    by_share, by_compute = step_of(table.steps, 3, share), step_of(table.steps, 4, compute)
    for word in range(sizes[WORDS]):
        suited = 0
        if compute >= 0 and slices == 0:
            suited = sets[SHARED, word] & table.bits[3, by_share, word] & table.bits[4, by_compute, word]
        if untouched and slices == 0:
            suited |= sets[OF_WHOLE, word]
        devices[at, SUITS + word] = suited
    if untouched:
        for profile in range(sizes[PROFILES]):
            if place_for(table.places, model, profile, slices) != 0:
                for word in range(sizes[WORDS]):
                    devices[at, SUITS + word] |= sets[OF_MODEL + sizes[MODELS] + profile, word]
    for word in range(sizes[WORDS]):
        devices[at, SUITS + word] &= sets[OF_MODEL + model, word]


def left_of_device(spans: Integers, devices: Integers, at: int) -> int:
    """See `bestfit.shares_left`."""
    free = devices[at, COMPUTE]
    if free < 0:
        return 0
    if devices[at, SIZE] > 0:
        free = min(free, devices[at, SHARE] * FULL // devices[at, SIZE])
    if devices[at, SLICES] == 0:
        return int(free)
    total = spans[devices[at, MODEL]]
    return free * (total - ones(devices[at, SLICES])) // total if total > 0 else 0


def place_for(places: Integers, model: int, profile: int, slices: int) -> int:
    """See `bestfit.best_place`."""
    best, most = 0, -1
    for number in range(places.shape[2]):
        place = places[model, profile, number]
        if place == 0 or place & slices:
            continue
        room = 0
        for other in range(places.shape[1]):
            for each in range(places.shape[2]):
                if places[model, other, each] & (place | slices) == 0:
                    room += ones(places[model, other, each])
        if room > most or (room == most and place > best):
            best, most = place, room
    return best


def look(table: Table, machine: int) -> None:
    """Which shapes fit the machine, and how much is left of it."""
    sizes, machines, bits, devices = table.sizes, table.machines, table.bits, table.devices
    words, width = sizes[WORDS], sizes[WIDTH]
    cpu, memory, disk = machines[machine, CPU], machines[machine, MEMORY], machines[machine, DISK]
    by_cpu, by_memory, by_disk = step_of(table.steps, 0, cpu), step_of(table.steps, 1, memory), step_of(table.steps, 2, disk)
    for word in range(words):
        room = bits[0, by_cpu, word] & bits[1, by_memory, word] & bits[2, by_disk, word]
        room &= machines[machine, LOOKED + words + word]
        if room:
            room &= enough_devices(table, machine, word)
        machines[machine, LOOKED + word] = room
    shares = 0
    for at in range(machine * width, (machine + 1) * width):
        shares += devices[at, LEFT]
    rest = cpu * PART // sizes[CPU_SCALE] + memory * PART // sizes[MEMORY_SCALE]
    machines[machine, KEY] = shares * SPARED + rest
    machines[machine, KEY + 1] = shares * PART // sizes[COMPUTE_SCALE] + rest


def enough_devices(table: Table, machine: int, word: int) -> int:
    """The shapes for which enough devices suffice. How many do is counted for all shapes at once, in binary: a word a digit."""
    sizes, sets, devices = table.sizes, table.sets, table.devices
    one, two, four, eight, sixteen, many = 0, 0, 0, 0, 0, 0
    for at in range(machine * sizes[WIDTH], (machine + 1) * sizes[WIDTH]):
        suited = devices[at, SUITS + word]
        one, carry = one ^ suited, one & suited
        two, carry = two ^ carry, two & carry
        four, carry = four ^ carry, four & carry
        eight, carry = eight ^ carry, eight & carry
        sixteen, carry = sixteen ^ carry, sixteen & carry
        many ^= carry
    short, digit = 0, OF_MODEL + sizes[MODELS] + sizes[PROFILES]
    for count in (one, two, four, eight, sixteen, many):
        need = sets[digit, word]
        short = (~count & need) | (~(count ^ need) & short)
        digit += 1
    return int(~short)


def suffices(devices: Integers, shape: int, at: int) -> int:
    """1 if the device suffices for the shape, else 0."""
    return int((devices[at, SUITS + (shape >> 6)] >> (shape & 63)) & 1)


def fitting(machines: Integers, shape: int, machine: int) -> bool:
    """Whether the shape fits the machine."""
    return bool((machines[machine, LOOKED + (shape >> 6)] >> (shape & 63)) & 1 != 0)


def choose(shapes: Integers, devices: Integers, width: int, shape: int, machine: int) -> int:
    """The devices, as bits, that suffice and have the least left, ties by index."""
    chosen = 0
    for _ in range(shapes[shape, NEED_DEVICES]):
        best, least = 0, 2 * FULL
        for device in range(width):
            at = machine * width + device
            if devices[at, LEFT] < least and suffices(devices, shape, at) and not chosen >> device & 1:
                best, least = device, devices[at, LEFT]
        chosen |= 1 << best
    return chosen


def move(table: Table, shape: int, machine: int, sign: int) -> None:
    """The processors, memory and disk of one replica more (1) or less (-1)."""
    machines, shapes = table.machines, table.shapes
    machines[machine, CPU] -= sign * shapes[shape, NEED_CPU]
    machines[machine, MEMORY] -= sign * shapes[shape, NEED_MEMORY]
    machines[machine, DISK] -= sign * shapes[shape, NEED_DISK]


def put(table: Table, shape: int, machine: int, chosen: int, taken: Integers) -> None:
    """One replica more on the machine; the slices of its MIG instances are noted in `taken`."""
    devices, shapes, width = table.devices, table.shapes, table.sizes[WIDTH]
    move(table, shape, machine, 1)
    for device in range(width if chosen else 0):
        if chosen >> device & 1:
            at = machine * width + device
            if shapes[shape, NEED_PROFILE] >= 0:
                place = place_for(table.places, devices[at, MODEL], shapes[shape, NEED_PROFILE], devices[at, SLICES])
                taken[device] = place
                devices[at, SLICES] |= place
            elif shapes[shape, NEED_WHOLE]:
                devices[at, SHARE] = 0
                devices[at, COMPUTE] = 0
            else:
                devices[at, SHARE] -= shapes[shape, NEED_SHARE]
                devices[at, COMPUTE] -= shapes[shape, NEED_COMPUTE]
            look_at_device(table, at)
    look(table, machine)


def take_away(table: Table, shape: int, machine: int, chosen: int, taken: Integers) -> None:
    """One replica less, whose MIG instances have the slices `taken`."""
    devices, shapes, width = table.devices, table.shapes, table.sizes[WIDTH]
    move(table, shape, machine, -1)
    for device in range(width if chosen else 0):
        if chosen >> device & 1:
            at = machine * width + device
            if shapes[shape, NEED_PROFILE] >= 0:
                devices[at, SLICES] &= ~taken[device]
            elif shapes[shape, NEED_WHOLE]:
                devices[at, SHARE] = devices[at, SIZE]
                devices[at, COMPUTE] = FULL
            else:
                devices[at, SHARE] += shapes[shape, NEED_SHARE]
                devices[at, COMPUTE] += shapes[shape, NEED_COMPUTE]
            look_at_device(table, at)
    look(table, machine)
