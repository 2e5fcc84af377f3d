"""What a user wants of a fleet, as the store has it: the manifest, and the content that each version was deployed with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudlayer.fleet.store import FleetRows
from cloudlayer.functions.manifest import FunctionSpec, Manifest
from cloudlayer.runtime.sources import snapshot
from cloudlayer.specs import checked


@dataclass(frozen=True)
class Desired:
    """A manifest with the digest of each source folder, by function version."""

    manifest: Manifest
    sources: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Manifest, cache: Path) -> Desired:
        """Take a snapshot of every source folder, so that what runs is what was deployed, and not what the folder became."""
        found = {spec.key: snapshot(Path(spec.source), cache) for spec in manifest.function if spec.source}
        kept = [spec.model_copy(update={"source": str(found[spec.key])}) if spec.source else spec for spec in manifest.function]
        digests = {key: path.name for key, path in found.items()}
        return cls(manifest.model_copy(update={"function": tuple(kept)}), digests)

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> Desired:
        """What `document` wrote down."""
        return cls(checked(Manifest, document["manifest"], "the stored manifest: "), document["sources"])

    @classmethod
    def of_rows(cls, rows: FleetRows) -> Desired | None:
        """What the store says is wanted; None for nothing at all."""
        return None if rows.desired.document is None else cls.load(rows.desired.document)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"manifest": self.manifest.model_dump(mode="json"), "sources": dict(self.sources)}

    def digest(self, spec: FunctionSpec) -> str:
        """What tells one form of a version from another: all that its replicas are made of, and not how many there are.

        Nor what its user wishes of their machines: a replica where it may not be any more is replaced, and no other.
        """
        wishes = dict.fromkeys(("timeout", "move", "tolerates", "spot", "priority", "gang", "together"), True)
        form = spec.model_dump(mode="json", exclude={"scale": {"min", "max", "idle"}, "source": True, **wishes})
        form["calls"] = list(spec.calls)  # how often is nothing to a replica
        if (gpu := form["resources"]["gpu"]) is not None:  # what says nothing, so that its key is no other form
            form["resources"]["gpu"] = {key: each for key, each in gpu.items() if each is not None or key == "memory"}
        form |= {} if spec.gang is None else {"gang": spec.gang, "together": spec.together}
        whole = json.dumps([form, self.sources.get(spec.key)], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]
