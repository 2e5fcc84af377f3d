"""Replicas placed and released one after another, quickly, whatever the order of machines is.

For each shape there is a heap of the machines that it fits, by score. Machines that were alike at the start and that nothing
has touched are in it once, as a group with its first machine. A machine that changes is not put into all heaps at once: it
goes among the recent ones, which every search looks through. One that has not changed for a while settles: it waits for each
shape that it fits, and goes into the shape's heap when that is asked for next, if it still fits. So a machine that is being
filled costs little until it is nearly full. What a heap says is checked when it comes to its top.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final, NamedTuple, Protocol

from cloudlayer.scheduler.placing.arrays import Integers
from cloudlayer.scheduler.placing.bestfit import NOWHERE

_SHIFT: Final = 22
_CODE: Final = (1 << _SHIFT) - 1
"""The part of an entry below its score: twice the machine's index, plus one where it stands for its group."""
_RECENT: Final = 24
"""So many recent machines are looked through at most. Fewer make searches quicker and fill the heaps more often."""
_SLACK: Final = 1024
"""Entries that a heap may have beside four times those that were right when it was last cleared."""
_MOST_SETTLED: Final = 1 << 16
"""After so many that settled, those that wait twice for a shape that is rarely asked for are told apart."""
_MOST_KEPT: Final = 1 << 16
"""So many sets of shapes are remembered."""


def entry(score: int, machine: int) -> int:
    """What is compared between machines: the score, which depends on nothing but how the machine is now, then its index.

    The least is best.
    """
    return (score << _SHIFT) + 2 * machine


class Choice(NamedTuple):
    """Where a replica is: its machine, its devices there, and the slices of each, as bits, that its MIG instances take."""

    machine: int
    devices: tuple[int, ...] = ()
    slices: tuple[int, ...] = ()


class Entries(Protocol):
    """An `entry` for each machine, by its index."""

    def __getitem__(self, machine: int, /) -> int: ...


class Order(Protocol):
    """What decides between machines, and keeps what is free of them."""

    fits: list[int]
    """By machine: the shapes, as bits, that fit it now."""
    entries: Sequence[Entries]
    """By shape: the `entry` of each machine that it fits."""

    def alike(self) -> Integers:
        """Of shape (M,): machines of one number are alike now, in everything."""
        ...

    def take(self, shape: int, machine: int) -> Choice:
        """Put a replica on the machine, which it fits."""
        ...

    def give(self, shape: int, choice: Choice) -> None:
        """Take a replica from where it is."""
        ...


class Index:
    """The machines by the order's score for each of the shapes; ties go to the lowest index."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._entries = order.entries
        alike = order.alike().tolist()
        groups: dict[int, list[int]] = {}
        for machine, group in enumerate(alike):
            groups.setdefault(group, []).append(machine)
        self._groups = {machines[0]: machines for machines in groups.values()}
        self._touched = bytearray(len(alike))
        self._position = dict.fromkeys(self._groups, 0)
        self._first_of = {machine: first for first, machines in self._groups.items() for machine in machines}
        self._heaps: list[list[int] | None] = [None] * len(order.entries)
        self._limits = [_SLACK] * len(self._heaps)
        self._recent: dict[int, None] = {}
        self._waiting: list[list[int]] = [[] for _ in self._heaps]
        self._queues: dict[int, list[Callable[[int], None]]] = {}
        self._settled = 0

    def best(self, shape: int) -> int:
        """The machine with the least score of those that a replica of `shape` fits; NOWHERE if it fits none."""
        fits, entries, bit = self._order.fits, self._entries[shape], 1 << shape
        top = self._top(shape)
        found = [entries[machine] for machine in self._recent if fits[machine] & bit]
        if found:
            least = min(found)
            top = least if top is None or least < top else top
        return NOWHERE if top is None else (top & _CODE) >> 1

    def place(self, shape: int) -> Choice | None:
        """Put a replica of `shape` on the best machine; None if it fits none."""
        machine = self.best(shape)
        return None if machine == NOWHERE else self.put(shape, machine)

    def put(self, shape: int, machine: int) -> Choice:
        """Put a replica of `shape` on this machine, which it fits."""
        choice = self._order.take(shape, machine)
        self.changed(machine)
        return choice

    def release(self, shape: int, choice: Choice) -> None:
        """Take a replica of `shape` from where it is."""
        self._order.give(shape, choice)
        self.changed(choice.machine)

    def changed(self, machine: int) -> None:
        """Tell that the machine is no longer as it was."""
        recent = self._recent
        self._touched[machine] = 1
        recent.pop(machine, None)
        recent[machine] = None
        if len(recent) > _RECENT:
            fits, queues = self._order.fits, self._queues
            for each in list(recent)[: _RECENT // 2 + 1]:
                del recent[each]
                shapes = fits[each]
                for wait in queues[shapes] if shapes in queues else self._queues_of(shapes):
                    wait(each)
            self._settled += _RECENT // 2 + 1
            if self._settled > _MOST_SETTLED:
                self._settled = 0
                for waiting in self._waiting:
                    waiting[:] = dict.fromkeys(waiting)

    def _queues_of(self, shapes: int) -> list[Callable[[int], None]]:
        """What puts a machine among those that wait for each of the shapes."""
        if len(self._queues) >= _MOST_KEPT:
            self._queues.clear()
        found = [waiting.append for shape, waiting in enumerate(self._waiting) if shapes >> shape & 1]
        return self._queues.setdefault(shapes, found)

    def _heap(self, shape: int) -> list[int]:
        """The shape's heap, which is made when it is asked for the first time: scores may be dear."""
        if (heap := self._heaps[shape]) is None:
            fits, entries = self._order.fits, self._entries[shape]
            firsts = [first for first in map(self._first_untouched, self._groups) if first != NOWHERE]
            heap = self._heaps[shape] = [entries[first] + 1 for first in firsts if fits[first] >> shape & 1]
            heapify(heap)
            self._limits[shape] = 4 * len(heap) + _SLACK
        return heap

    def _top(self, shape: int) -> int | None:
        """The heap's first entry that is right."""
        heap, fits, entries = self._heaps[shape] or self._heap(shape), self._order.fits, self._entries[shape]
        if self._waiting[shape]:
            self._catch_up(shape, heap)
        while heap:
            first = heap[0]
            machine = (first & _CODE) >> 1
            if not first & 1:
                if entries[machine] == first and fits[machine] >> shape & 1:
                    return first
                heappop(heap)
            elif not self._touched[machine]:
                return first
            elif (following := self._first_untouched(self._first_of[machine])) == NOWHERE:
                heappop(heap)
            else:
                heapreplace(heap, (first & ~_CODE) + 2 * following + 1)
        return None

    def _first_untouched(self, group: int) -> int:
        machines, position, touched = self._groups[group], self._position[group], self._touched
        while position < len(machines) and touched[machines[position]]:
            position += 1
        self._position[group] = position
        return machines[position] if position < len(machines) else NOWHERE

    def _catch_up(self, shape: int, heap: list[int]) -> None:
        """Put the machines that have settled since the shape was last asked for into its heap, if they still fit it."""
        fits, entries, bit, waiting = self._order.fits, self._entries[shape], 1 << shape, self._waiting[shape]
        for each in {entries[machine] for machine in waiting if fits[machine] & bit}:
            heappush(heap, each)
        waiting.clear()
        if len(heap) > self._limits[shape]:
            self._clear(shape, heap)

    def _clear(self, shape: int, heap: list[int]) -> None:
        """Rid a heap that has grown large of entries that are wrong, and of those that it has twice."""
        fits, entries, bit = self._order.fits, self._entries[shape], 1 << shape
        heap[:] = {
            each for each in heap if each & 1 or (entries[machine := (each & _CODE) >> 1] == each and fits[machine] & bit)
        }
        heapify(heap)
        self._limits[shape] = 4 * len(heap) + _SLACK


def replay(index: Index, events: Sequence[int]) -> list[Choice | None]:
    """Where each replica goes. An event that is not negative places a replica of that shape, None if it fits nowhere; ~i
    releases what event i placed, and gives None."""
    choices: list[Choice | None] = []
    for event in events:
        if event >= 0:
            choices.append(index.place(event))
            continue
        placed = choices[~event]
        if placed is not None:
            index.release(events[~event], placed)
        choices.append(None)
    return choices
