"""Images ahead of need: built and pushed while the machines that will run them are still on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cloudlayer.fleet.desired import Desired
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.interfaces import Deadline, ReplicaSpec
from cloudlayer.labels import OWNER


class Prefetch:
    """The images of one fleet. `cache` is the home's cache, `owner` the store's."""

    def __init__(self, cache: Path, owner: str) -> None:
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
        publish(self._cache, replica, deadline)
        self._done.add((spec.key, digest))
