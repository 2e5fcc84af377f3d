"""Which warm parents an engine has: one for each plan, few at a time, the one that was used longest ago given up first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.process.parents import Child, Groups, Parent, spawn
from cloudlayer.runtime.process.plan import Plan

_MOST: Final = 32


class Warmth:
    """The warm parents of one engine. Thread-safe."""

    def __init__(self, groups: Groups, *, fork: bool) -> None:
        self._groups = groups
        self._fork = fork
        self._parents: OrderedDict[Plan, Parent] = OrderedDict()
        self._locks: dict[Plan, threading.Lock] = {}
        self._lock = threading.Lock()

    def child(self, plan: Plan, deadline: Deadline | None) -> Child:
        """A process of that plan that waits to be told which replica it is: forked where that can be."""
        parent = self.parent(plan, deadline)
        if parent is None:
            return spawn(plan, self._groups, deadline)
        try:
            return parent.take()
        except EngineError:
            # It was killed, by a lack of memory say, since it was last used.
            self._drop(plan, parent)
        parent = self.parent(plan, deadline)
        return parent.take() if parent else spawn(plan, self._groups, deadline)

    def parent(self, plan: Plan, deadline: Deadline | None) -> Parent | None:
        """The warm parent of that plan, started if there is none; None where nothing can be forked."""
        if not self._fork:
            return None
        with self._lock:
            lock = self._locks.setdefault(plan, threading.Lock())
        with lock:
            with self._lock:
                parent = self._parents.get(plan)
                if parent is not None:
                    self._parents.move_to_end(plan)
            if parent is None or (parent.forkable and not parent.alive):
                parent = self._start(plan, deadline)
        return parent if parent.forkable else None

    def _start(self, plan: Plan, deadline: Deadline | None) -> Parent:
        parent = Parent(plan, self._groups, deadline)
        with self._lock:
            replaced = self._parents.pop(plan, None)
            self._parents[plan] = parent
            dropped = [self._parents.popitem(last=False)[1]] if len(self._parents) > _MOST else []
        for gone in [*dropped, *([replaced] if replaced else [])]:
            gone.close()
        return parent

    def _drop(self, plan: Plan, parent: Parent) -> None:
        with self._lock:
            if self._parents.get(plan) is parent:
                del self._parents[plan]
        parent.close()

    def close(self) -> None:
        """End them all."""
        with self._lock:
            parents, self._parents = list(self._parents.values()), OrderedDict()
        for parent in parents:
            parent.close()
