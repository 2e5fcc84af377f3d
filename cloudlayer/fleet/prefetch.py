"""Images ahead of need: built and pushed while the machines that will run them are still on their way."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cloudlayer.fleet.desired import Desired
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.interfaces import Deadline, ReplicaSpec
from cloudlayer.labels import OWNER

if TYPE_CHECKING:
    from cloudlayer.runtime.docker.supply import Supply


class Prefetch:
    """The images of one fleet. `cache` is the home's cache, `owner` the store's. Thread-safe.

    From the first image on the registry stays up until `close`: machines will ask it for what is made.
    """

    def __init__(self, cache: Path, owner: str) -> None:
        self._supply: Supply | None = None
        self._lock = threading.Lock()
        self._cache = cache
        self._owner = owner
        self._done: set[tuple[str, str]] = set()

    def due(self, desired: Desired, wanted: Mapping[str, int]) -> Sequence[FunctionSpec]:
        """The versions whose images are to be made now: wanted, from a source folder, in containers, and not made yet."""
        return [
            spec
            for spec in desired.manifest.function
            if spec.source and spec.wanted_engine == "docker" and wanted.get(spec.key, spec.scale.min) > 0
            if (spec.key, desired.sources.get(spec.key, "")) not in self._done
        ]

    def make(self, spec: FunctionSpec, desired: Desired, deadline: Deadline) -> None:
        """Build and push one image. Does nothing where this host has no engine or there is no registry: machines build then.

        Raises EngineError or TransientError; a start would meet the same, and tells it where the replica's state is told.
        """
        from cloudlayer.runtime.docker.supply import publish

        supply = self._held()
        digest = desired.sources.get(spec.key, "")
        replica = ReplicaSpec(
            id="image",
            function=spec.name,
            version=spec.version,
            cpu=spec.resources.cpu,
            memory=spec.resources.memory,
            source=Path(str(spec.source)),
            source_digest=digest,
            labels={OWNER: self._owner},
        )
        publish(supply, replica, deadline)
        self._done.add((spec.key, digest))

    def close(self) -> None:
        """Let go of this host's engine and the registry."""
        from cloudlayer.runtime.docker.supply import let_go

        with self._lock:
            held, self._supply = self._supply, None
        if held is not None:
            let_go(self._cache)

    def _held(self) -> Supply:
        from cloudlayer.runtime.docker.supply import supply_of

        with self._lock:
            if self._supply is None:
                self._supply = supply_of(self._cache)
            return self._supply
