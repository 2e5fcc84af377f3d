"""Kernels: the search of `index`, with heaps in flat arrays."""

from __future__ import annotations

from typing import Final, NamedTuple

from cloudlayer.scheduler.placing.arrays import Integers
from cloudlayer.scheduler.placing.index_machines import (
    KEY,
    SHAPES,
    SIDE,
    WIDTH,
    Table,
    choose,
    fitting,
    look,
    look_at_device,
    put,
    take_away,
)

PLACES: Final = 22
"""The bits of an entry below its score: twice the machine's index, plus one where it stands for its group."""
WHOLE: Final = (1 << PLACES) - 1
NONE: Final = -1


RECENT, SETTLED, TIME, CLEARING = range(4)
"""Entries of `counts`: how many are recent, how many have settled, the time, and a number for each clearing of a heap."""
USED, SEEN = range(2)
"""Rows of `states`: entries of each shape's heap, and how many of those that have settled it has seen."""
TOUCHED, SLOT, GROUP, MARK = range(4)
"""Columns of `notes` on each machine: whether it was ever changed, its place among the recent ones, its group, its mark."""
BEGIN, FIRST = range(2)
"""Columns of `groups`: where its machines begin among `members`, and which of them is the first that is untouched."""


class Heaps(NamedTuple):
    """A heap for each shape, a row of `entries`. `groups` has one row more, which ends the last one.

    `recent` has a column for each machine that changed of late: its index and when.
    """

    entries: Integers
    states: Integers
    settled: Integers
    notes: Integers
    members: Integers
    groups: Integers
    recent: Integers
    counts: Integers


def run(table: Table, heaps: Heaps, events: Integers, choices: Integers, taken: Integers) -> None:
    """See `index.replay`: `choices` are the machine and the devices, as bits, of each event; NONE where nothing is placed."""
    prepare(table, heaps)
    for number in range(len(events)):
        event = events[number]
        if event >= 0:
            machine = best(table, heaps, event)
            choices[number, 0] = machine
            if machine >= 0:
                chosen = choose(table.shapes, table.devices, table.sizes[WIDTH], event, machine)
                choices[number, 1] = chosen
                put(table, event, machine, chosen, taken[number])
                note(table, heaps, machine)
        elif choices[~event, 0] >= 0:
            machine = choices[~event, 0]
            take_away(table, events[~event], machine, choices[~event, 1], taken[~event])
            note(table, heaps, machine)


def prepare(table: Table, heaps: Heaps) -> None:
    """Look at all machines, once at those that are alike, and enter the groups."""
    width = table.sizes[WIDTH]
    for group in range(len(heaps.groups) - 1):
        begin, end = heaps.groups[group, BEGIN], heaps.groups[group + 1, BEGIN]
        first = heaps.members[begin]
        for at in range(first * width, (first + 1) * width):
            look_at_device(table, at)
        look(table, first)
        for place in range(begin + 1, end):
            machine = heaps.members[place]
            for column in range(table.machines.shape[1]):
                table.machines[machine, column] = table.machines[first, column]
            for device in range(width):
                for column in range(table.devices.shape[1]):
                    table.devices[machine * width + device, column] = table.devices[first * width + device, column]
        for shape in range(table.sizes[SHAPES]):
            if fitting(table.machines, shape, first):
                push(heaps.entries, heaps.states, shape, entry_of(table.machines, table.shapes[shape, SIDE], first) + 1)


def entry_of(machines: Integers, side: int, machine: int) -> int:
    """See `index.entry`."""
    return int((machines[machine, KEY + side] << PLACES) + 2 * machine)


def right(machines: Integers, side: int, shape: int, entry: int) -> bool:
    """Whether the machine of the entry fits the shape, with just that score."""
    machine = (entry & WHOLE) >> 1
    return fitting(machines, shape, machine) and entry_of(machines, side, machine) == entry


def best(table: Table, heaps: Heaps, shape: int) -> int:
    """The machine with the least score of those that the shape fits; NONE if it fits none."""
    machines, recent, side = table.machines, heaps.recent, table.shapes[shape, SIDE]
    catch_up(table, heaps, shape)
    least = top(table, heaps, shape)
    for place in range(heaps.counts[RECENT]):
        machine = recent[0, place]
        if fitting(machines, shape, machine):
            entry = entry_of(machines, side, machine)
            if least == NONE or entry < least:
                least = entry
    return NONE if least == NONE else (least & WHOLE) >> 1


def top(table: Table, heaps: Heaps, shape: int) -> int:
    """The heap's first entry that is right; NONE if there is none."""
    machines, notes, entries, states, side = table.machines, heaps.notes, heaps.entries, heaps.states, table.shapes[shape, SIDE]
    while states[USED, shape] > 0:
        entry = entries[shape, 0]
        machine = (entry & WHOLE) >> 1
        if entry & 1 == 0:
            if right(machines, side, shape, entry):
                return int(entry)
            pop(entries, states, shape)
        elif not notes[machine, TOUCHED]:
            return int(entry)
        else:
            following = first_untouched(notes, heaps.members, heaps.groups, notes[machine, GROUP])
            pop(entries, states, shape)
            if following != NONE:
                push(entries, states, shape, (entry & ~WHOLE) + 2 * following + 1)
    return NONE


def first_untouched(notes: Integers, members: Integers, groups: Integers, group: int) -> int:
    """The group's first machine that nothing has touched; NONE if there is none."""
    place, end = groups[group, FIRST], groups[group + 1, BEGIN]
    while place < end and notes[members[place], TOUCHED]:
        place += 1
    groups[group, FIRST] = place
    return members[place] if place < end else NONE


def note(table: Table, heaps: Heaps, machine: int) -> None:
    """The machine is no longer as it was. Where there are too many recent ones, those that have not changed lately settle."""
    counts, notes, recent = heaps.counts, heaps.notes, heaps.recent
    notes[machine, TOUCHED] = 1
    counts[TIME] += 1
    if notes[machine, SLOT] < 0:
        if counts[RECENT] == recent.shape[1]:
            settle(table, heaps)
        notes[machine, SLOT] = counts[RECENT]
        recent[0, counts[RECENT]] = machine
        counts[RECENT] += 1
    recent[1, notes[machine, SLOT]] = counts[TIME]


def settle(table: Table, heaps: Heaps) -> None:
    """At least one recent machine settles: of so many, one has not changed for as many changes as there are of them."""
    counts, notes, recent = heaps.counts, heaps.notes, heaps.recent
    if counts[SETTLED] + recent.shape[1] > len(heaps.settled):
        for shape in range(table.sizes[SHAPES]):
            catch_up(table, heaps, shape)
            heaps.states[SEEN, shape] = 0
        counts[SETTLED] = 0
    before, kept = counts[TIME] - recent.shape[1], 0
    for place in range(counts[RECENT]):
        machine = recent[0, place]
        if recent[1, place] > before:
            recent[0, kept] = machine
            recent[1, kept] = recent[1, place]
            notes[machine, SLOT] = kept
            kept += 1
        else:
            notes[machine, SLOT] = NONE
            heaps.settled[counts[SETTLED]] = machine
            counts[SETTLED] += 1
    counts[RECENT] = kept


def catch_up(table: Table, heaps: Heaps, shape: int) -> None:
    """Put the machines that have settled since the shape was last asked for into its heap, if they fit it."""
    machines, notes, states, side = table.machines, heaps.notes, heaps.states, table.shapes[shape, SIDE]
    for place in range(states[SEEN, shape], heaps.counts[SETTLED]):
        machine = heaps.settled[place]
        if fitting(machines, shape, machine) and notes[machine, SLOT] < 0:
            if states[USED, shape] == heaps.entries.shape[1]:
                clear(table, heaps, shape)
            push(heaps.entries, states, shape, entry_of(machines, side, machine))
    states[SEEN, shape] = heaps.counts[SETTLED]


def clear(table: Table, heaps: Heaps, shape: int) -> None:
    """Rid the heap of entries that are wrong, and of those that it has twice."""
    machines, notes, entries, states, side = table.machines, heaps.notes, heaps.entries, heaps.states, table.shapes[shape, SIDE]
    used = states[USED, shape]
    states[USED, shape] = 0
    heaps.counts[CLEARING] += 1
    for place in range(used):
        entry = entries[shape, place]
        machine = (entry & WHOLE) >> 1
        if entry & 1:
            if first_untouched(notes, heaps.members, heaps.groups, notes[machine, GROUP]) != NONE:
                push(entries, states, shape, entry)
        elif notes[machine, MARK] != heaps.counts[CLEARING] and right(machines, side, shape, entry):
            notes[machine, MARK] = heaps.counts[CLEARING]
            push(entries, states, shape, entry)


def push(entries: Integers, states: Integers, shape: int, entry: int) -> None:
    """Into the heap; there must be room."""
    place = states[USED, shape]
    states[USED, shape] = place + 1
    while place > 0:
        parent = (place - 1) >> 1
        if entries[shape, parent] <= entry:
            break
        entries[shape, place] = entries[shape, parent]
        place = parent
    entries[shape, place] = entry


def pop(entries: Integers, states: Integers, shape: int) -> None:
    """Take the first out of the heap."""
    used = states[USED, shape] - 1
    states[USED, shape] = used
    last, place = entries[shape, used], 0
    while 2 * place + 1 < used:
        child = 2 * place + 1
        if child + 1 < used and entries[shape, child + 1] < entries[shape, child]:
            child += 1
        if entries[shape, child] >= last:
            break
        entries[shape, place] = entries[shape, child]
        place = child
    entries[shape, place] = last
