"""Kernels: all machines sorted by score, twice, in B+ trees that know which shapes fit what is below.

A leaf holds entries of some machines, sorted, each with the set of shapes that fit the machine; a branch holds leaves, a root
branches, each with its least entry and the union of the sets below it. So the first that fits is found from left to right
without going down in vain. What is full is split; emptied leaves stay, and all is packed anew when there are no more of them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cloudlayer.scheduler.placing.arrays import Integers
from cloudlayer.scheduler.placing.index_machines import LOOKED, rank

PLACES: Final = 21
"""The bits of an entry below its score, for the machine's index."""
WHOLE: Final = (1 << PLACES) - 1
NONE: Final = -1
LOWEST: Final = -(1 << 62)
"""Below all entries: what goes before the first of them goes into the first leaf."""
SIDES: Final = 2
"""One tree is for shapes without devices, one for those with some: they score machines otherwise."""
LEAF_COUNT, BRANCH_COUNT, ROOT_COUNTS, LENGTHS = 0, 1, 2, 4
"""Entries of `counts`: leaves and branches in use; by side, the branches of the root and the entries of the line."""


class Trees(NamedTuple):
    """Leaves and branches of both trees, and their roots.

    A leaf is a row of `entries` (leaves, most), of which so many are `used`, with their `sets` (leaves, words, most). A
    branch is a row of `branches` (branches, most), its leaves, of which so many are `filled`, with the `least` entry of each
    and the union of its sets in `unions` (branches, most, words). The roots are the like of branches, by side. `line`
    (SIDES, machines) are all entries, sorted, where trees are packed from.
    """

    entries: Integers
    sets: Integers
    used: Integers
    branches: Integers
    least: Integers
    unions: Integers
    filled: Integers
    roots: Integers
    root_least: Integers
    root_unions: Integers
    counts: Integers
    line: Integers


def insert(machines: Integers, trees: Trees, side: int, entry: int) -> None:
    """Put a machine's entry, with the shapes that fit it, into its leaf, for which room is made."""
    place, at = locate(trees, side, entry)
    leaf = trees.branches[trees.roots[side, place], at]
    while trees.used[leaf] == trees.entries.shape[1]:
        make_room(machines, trees, side, place, at)
        place, at = locate(trees, side, entry)
        leaf = trees.branches[trees.roots[side, place], at]
    used = trees.used[leaf]
    trees.used[leaf] = used + 1
    begin = rank(trees.entries[leaf], used, entry)
    for slot in range(used, begin, -1):
        trees.entries[leaf, slot] = trees.entries[leaf, slot - 1]
    trees.entries[leaf, begin] = entry
    for word in range(trees.sets.shape[1]):
        for slot in range(used, begin, -1):
            trees.sets[leaf, word, slot] = trees.sets[leaf, word, slot - 1]
        fits = machines[entry & WHOLE, LOOKED + word]
        trees.sets[leaf, word, begin] = fits
        trees.unions[trees.roots[side, place], at, word] |= fits
        trees.root_unions[side, place, word] |= fits


def locate(trees: Trees, side: int, entry: int) -> tuple[int, int]:
    """The place among the root's branches, and in that one, of the leaf where the entry is or belongs."""
    place = max(rank(trees.root_least[side], trees.counts[ROOT_COUNTS + side], entry) - 1, 0)
    branch = trees.roots[side, place]
    return place, max(rank(trees.least[branch], trees.filled[branch], entry) - 1, 0)


def remove(trees: Trees, side: int, entry: int) -> None:
    """Take the entry out of its leaf, and what it alone adds out of the unions above."""
    place, at = locate(trees, side, entry)
    branch = trees.roots[side, place]
    leaf = trees.branches[branch, at]
    used = trees.used[leaf] - 1
    trees.used[leaf] = used
    begin = rank(trees.entries[leaf], used, entry - 1)
    for slot in range(begin, used):
        trees.entries[leaf, slot] = trees.entries[leaf, slot + 1]
    for word in range(trees.sets.shape[1]):
        for slot in range(begin, used):
            trees.sets[leaf, word, slot] = trees.sets[leaf, word, slot + 1]
        union = union_of_leaf(trees, leaf, word)
        if union != trees.unions[branch, at, word]:
            trees.unions[branch, at, word] = union
            trees.root_unions[side, place, word] = union_of(trees, branch, word)


def union_of_leaf(trees: Trees, leaf: int, word: int) -> int:
    """What fits anywhere in the leaf."""
    union = 0
    for slot in range(trees.used[leaf]):
        union |= trees.sets[leaf, word, slot]
    return union


def union_of(trees: Trees, branch: int, word: int) -> int:
    """What fits anywhere below the branch."""
    union = 0
    for at in range(trees.filled[branch]):
        union |= trees.unions[branch, at, word]
    return union


def make_room(machines: Integers, trees: Trees, side: int, place: int, at: int) -> None:
    """Split the branch if it is full, else its leaf; pack all trees if nothing is left to split into."""
    branch, counts = trees.roots[side, place], trees.counts
    if counts[LEAF_COUNT] == len(trees.entries) or counts[BRANCH_COUNT] == len(trees.branches):
        unpack(trees)
        pack(machines, trees)
    elif trees.filled[branch] == trees.branches.shape[1]:
        split_branch(trees, side, place)
    else:
        split_leaf(trees, branch, at)


def split_leaf(trees: Trees, branch: int, at: int) -> None:
    """The upper half of a leaf's entries into a new leaf beside it."""
    leaf, new = trees.branches[branch, at], trees.counts[LEAF_COUNT]
    trees.counts[LEAF_COUNT] += 1
    for place in range(trees.filled[branch], at + 1, -1):
        copy_leaf(trees, branch, place - 1, branch, place)
    trees.filled[branch] += 1
    half = trees.used[leaf] // 2
    for slot in range(half, trees.used[leaf]):
        trees.entries[new, slot - half] = trees.entries[leaf, slot]
        for word in range(trees.sets.shape[1]):
            trees.sets[new, word, slot - half] = trees.sets[leaf, word, slot]
    trees.used[new] = trees.used[leaf] - half
    trees.used[leaf] = half
    trees.branches[branch, at + 1] = new
    trees.least[branch, at + 1] = trees.entries[new, 0]
    for word in range(trees.sets.shape[1]):
        trees.unions[branch, at, word] = union_of_leaf(trees, leaf, word)
        trees.unions[branch, at + 1, word] = union_of_leaf(trees, new, word)


def split_branch(trees: Trees, side: int, place: int) -> None:
    """The upper half of a branch's leaves into a new branch beside it."""
    branch, new, count = trees.roots[side, place], trees.counts[BRANCH_COUNT], trees.counts[ROOT_COUNTS + side]
    trees.counts[BRANCH_COUNT] += 1
    trees.counts[ROOT_COUNTS + side] += 1
    for each in range(count, place + 1, -1):
        trees.roots[side, each] = trees.roots[side, each - 1]
        trees.root_least[side, each] = trees.root_least[side, each - 1]
        for word in range(trees.sets.shape[1]):
            trees.root_unions[side, each, word] = trees.root_unions[side, each - 1, word]
    half = trees.filled[branch] // 2
    for at in range(half, trees.filled[branch]):
        copy_leaf(trees, branch, at, new, at - half)
    trees.filled[new] = trees.filled[branch] - half
    trees.filled[branch] = half
    trees.roots[side, place + 1] = new
    trees.root_least[side, place + 1] = trees.least[new, 0]
    for word in range(trees.sets.shape[1]):
        trees.root_unions[side, place, word] = union_of(trees, branch, word)
        trees.root_unions[side, place + 1, word] = union_of(trees, new, word)


def copy_leaf(trees: Trees, branch: int, at: int, other: int, place: int) -> None:
    """What a branch says of a leaf to another place, or to another branch."""
    trees.branches[other, place] = trees.branches[branch, at]
    trees.least[other, place] = trees.least[branch, at]
    for word in range(trees.sets.shape[1]):
        trees.unions[other, place, word] = trees.unions[branch, at, word]


def unpack(trees: Trees) -> None:
    """All entries into the line."""
    for side in range(SIDES):
        length = 0
        for place in range(trees.counts[ROOT_COUNTS + side]):
            branch = trees.roots[side, place]
            for at in range(trees.filled[branch]):
                leaf = trees.branches[branch, at]
                for slot in range(trees.used[leaf]):
                    trees.line[side, length] = trees.entries[leaf, slot]
                    length += 1
        trees.counts[LENGTHS + side] = length


def pack(machines: Integers, trees: Trees) -> None:
    """The trees of the entries in the line, their leaves and branches three quarters full."""
    counts, part = trees.counts, max(1, 3 * trees.entries.shape[1] // 4)
    counts[LEAF_COUNT] = 0
    counts[BRANCH_COUNT] = 0
    for side in range(SIDES):
        counts[ROOT_COUNTS + side] = 0
        begin = 0
        while begin < counts[LENGTHS + side] or begin == 0:
            end = min(begin + part, counts[LENGTHS + side])
            leaf = new_leaf(trees, side, trees.line[side, begin] if begin > 0 else LOWEST)
            place = counts[ROOT_COUNTS + side] - 1
            branch = trees.roots[side, place]
            trees.used[leaf] = end - begin
            for number in range(begin, end):
                trees.entries[leaf, number - begin] = trees.line[side, number]
                for word in range(trees.sets.shape[1]):
                    trees.sets[leaf, word, number - begin] = machines[trees.line[side, number] & WHOLE, LOOKED + word]
            for word in range(trees.sets.shape[1]):
                union = union_of_leaf(trees, leaf, word)
                trees.unions[branch, trees.filled[branch] - 1, word] = union
                trees.root_unions[side, place, word] |= union
            begin += part


def new_leaf(trees: Trees, side: int, entry: int) -> int:
    """The number of a leaf that begins with the entry, after all others of the side."""
    counts, leaf = trees.counts, trees.counts[LEAF_COUNT]
    counts[LEAF_COUNT] = leaf + 1
    place = counts[ROOT_COUNTS + side] - 1
    if place < 0 or trees.filled[trees.roots[side, place]] >= max(1, 3 * trees.branches.shape[1] // 4):
        place += 1
        counts[ROOT_COUNTS + side] = place + 1
        trees.roots[side, place] = counts[BRANCH_COUNT]
        trees.filled[counts[BRANCH_COUNT]] = 0
        trees.root_least[side, place] = entry
        trees.root_unions[side, place] = 0
        counts[BRANCH_COUNT] += 1
    branch = trees.roots[side, place]
    trees.branches[branch, trees.filled[branch]] = leaf
    trees.least[branch, trees.filled[branch]] = entry
    trees.filled[branch] += 1
    return int(leaf)
