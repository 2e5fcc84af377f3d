"""Kernels: the search of `index` for best fit, and what is placed by it."""

from __future__ import annotations

from cloudlayer.scheduler.placing.arrays import Integers
from cloudlayer.scheduler.placing.index_machines import KEY, SIDE, WIDTH, Table, choose, put, take_away
from cloudlayer.scheduler.placing.index_trees import NONE, PLACES, ROOT_COUNTS, SIDES, WHOLE, Trees, insert, pack, remove


def run(table: Table, trees: Trees, events: Integers, choices: Integers, taken: Integers) -> None:
    """See `index.replay`: `choices` are the machine and the devices, as bits, of each event; NONE where nothing is placed."""
    pack(table.machines, trees)
    machines = table.machines
    for number in range(len(events)):
        event = events[number]
        placed = number if event >= 0 else ~event
        machine = best(trees, table.shapes[event, SIDE], event) if event >= 0 else choices[placed, 0]
        if machine < 0:
            continue
        without, some = entry_of(machines, 0, machine), entry_of(machines, 1, machine)
        if event >= 0:
            choices[number, 0] = machine
            choices[number, 1] = choose(table.shapes, table.devices, table.sizes[WIDTH], event, machine)
            put(table, event, machine, choices[number, 1], taken[number])
        else:
            take_away(table, events[placed], machine, choices[placed, 1], taken[placed])
        move_entry(table, trees, 0, machine, without)
        move_entry(table, trees, 1, machine, some)


def entry_of(machines: Integers, side: int, machine: int) -> int:
    """See `index.entry`."""
    return int((machines[machine, KEY + side] << PLACES) + machine)


def line_up(table: Table, trees: Trees) -> None:
    """All entries, not yet sorted."""
    for side in range(SIDES):
        for machine in range(len(table.machines)):
            trees.line[side, machine] = entry_of(table.machines, side, machine)


def best(trees: Trees, side: int, shape: int) -> int:
    """The machine with the least score of those that the shape fits; NONE if it fits none."""
    word, bit = shape >> 6, shape & 63
    for place in range(trees.counts[ROOT_COUNTS + side]):
        if trees.root_unions[side, place, word] >> bit & 1:
            branch = trees.roots[side, place]
            at = 0
            while not trees.unions[branch, at, word] >> bit & 1:
                at += 1
            leaf, at = trees.branches[branch, at], 0
            while not trees.sets[leaf, word, at] >> bit & 1:
                at += 1
            return int(trees.entries[leaf, at] & WHOLE)
    return NONE


def move_entry(table: Table, trees: Trees, side: int, machine: int, before: int) -> None:
    """The machine's entry was `before`, and it or what fits has changed."""
    remove(trees, side, before)
    insert(table.machines, trees, side, entry_of(table.machines, side, machine))
