"""What the engine remembers between runs: one JSON file, written whole after every step, secrets sealed."""

import copy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from .values import Properties, Seal

Answer = TypeVar("Answer")


@dataclass
class State:
    """One resource as it was last known.

    `delete`: replaced, waits for its deletion. `pending_replacement`: deleted already, its replacement not yet made.
    `external`: read, never ours to delete. `init_errors`: it exists but did not come up; the next run updates it.
    """

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    additional_secret_outputs: list[str] = field(default_factory=list)
    delete: bool = False
    pending_replacement: bool = False
    external: bool = False
    init_errors: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The resource's name: the last part of its URN."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def alive(self) -> bool:
        """Whether it is the resource of its URN, not the rest of a replacement."""
        return not (self.delete or self.pending_replacement)

    def needs(self) -> set[str]:
        """URNs without which it cannot be: what it depends on, and its parent."""
        through_properties = {urn for urns in self.property_dependencies.values() for urn in urns}
        return ({self.parent} | set(self.dependencies) | through_properties) - {""}


class Snapshot:
    """All states, and the operations that are under way. Every change is saved, except in a copy, which a preview uses."""

    def __init__(self, folder: Path) -> None:
        self._file: Path | None = folder / "state.json"
        self._seal = Seal(folder / "key")
        self._lock = threading.RLock()
        stored = json.loads(self._file.read_text()) if self._file.exists() else {}
        self.states = [State(**self._seal.open(entry)) for entry in stored.get("resources", [])]
        self.pending: list[dict[str, str]] = stored.get("pending_operations", [])

    def copy(self) -> "Snapshot":
        """One that is never saved."""
        other = copy.copy(self)
        other._file, other._lock = None, threading.RLock()
        other.states, other.pending = copy.deepcopy(self.states), list(self.pending)
        return other

    def of(self, urn: str) -> State | None:
        """The resource of this URN, or what awaits its replacement; None where there is neither."""
        return next((state for state in self.states if state.urn == urn and not state.delete), None)

    def put(self, state: State, *instead_of: State | None) -> None:
        """Take `state` in at the end, for the given ones. Call it within `change`."""
        self.states = [kept for kept in self.states if not any(kept is old for old in instead_of)] + [state]

    def drop(self, *states: State) -> None:
        """Forget these. Call it within `change`."""
        self.states = [kept for kept in self.states if not any(kept is state for state in states)]

    @contextmanager
    def change(self) -> Iterator["Snapshot"]:
        """Hold the snapshot for a change, then save it."""
        with self._lock:
            yield self
            self.save()

    def perform(self, kind: str, urn: str, call: Callable[[], Answer], keep: Callable[[Answer], None]) -> Answer:
        """Write `kind` ("creating", …) down, call, then strike it out and keep the answer, both in one write.

        A call that raises leaves the states as they were; only a death of this process leaves the operation in the file.
        """
        entry = {"urn": urn, "operation": kind}
        with self.change():
            self.pending.append(entry)
        try:
            answer = call()
        except Exception:
            with self.change():
                self._strike_out(entry)
            raise
        with self.change():
            self._strike_out(entry)
            keep(answer)
        return answer

    def _strike_out(self, entry: dict[str, str]) -> None:
        self.pending = [other for other in self.pending if other is not entry]

    def take_pending(self) -> list[dict[str, str]]:
        """The operations that a dead run left, which are then forgotten."""
        with self.change():
            left, self.pending = self.pending, []
        return left

    def save(self) -> None:
        """Write the file anew, or leave the old one whole."""
        if self._file is None:
            return
        content: dict[str, Any] = {
            "resources": [self._seal.close(vars(state)) for state in self.states],
            "pending_operations": self.pending,
        }
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(content, indent=1))
        fresh.replace(self._file)
