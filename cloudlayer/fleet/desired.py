"""What a user wants of a fleet, as the store has it: the manifest, and the content that each version was deployed with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cloudlayer.fleet.fetched import fetched
from cloudlayer.fleet.store import FleetRows
from cloudlayer.functions.manifest import FunctionSpec, Manifest
from cloudlayer.specs import checked


@dataclass(frozen=True, slots=True)
class Rollout:
    """A function that is being updated: its versions before, with the digests of their sources, since when; see `rollouts`."""

    function: str
    before: tuple[FunctionSpec, ...]
    sources: Mapping[str, str]
    since: float

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> Rollout:
        """What `document` wrote down."""
        before = (checked(FunctionSpec, spec, "a stored function: ") for spec in document["before"])
        return cls(document["function"], tuple(before), document["sources"], document["since"])

    def document(self) -> dict[str, Any]:
        """As JSON."""
        before = [spec.model_dump(mode="json") for spec in self.before]
        return {"function": self.function, "before": before, "sources": dict(self.sources), "since": self.since}

    @property
    def forms(self) -> dict[str, str]:
        """The digest of each version before, by its key."""
        return {spec.key: digest_of(spec, self.sources.get(spec.key)) for spec in self.before}


@dataclass(frozen=True)
class Desired:
    """A manifest with the digest of each source folder, by function version; and the updates that are under way.

    `kept` are the keys of versions that are wanted only until those in their place have proved themselves.
    """

    manifest: Manifest
    sources: Mapping[str, str] = field(default_factory=dict)
    rollouts: tuple[Rollout, ...] = ()
    kept: frozenset[str] = frozenset()

    @classmethod
    def of(cls, manifest: Manifest, cache: Path) -> Desired:
        """Take a snapshot of every source folder and pin every model, so that what runs is what was deployed, and not what that
        became."""
        kept, found = fetched(manifest, cache)
        digests = {key: path.name for key, path in found.items()}
        return cls(manifest.model_copy(update={"function": tuple(kept)}), digests)

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> Desired:
        """What `document` wrote down."""
        manifest = checked(Manifest, document["manifest"], "the stored manifest: ")
        return cls(manifest, document["sources"], tuple(Rollout.load(each) for each in document.get("rollouts", ())))

    @classmethod
    def of_rows(cls, rows: FleetRows) -> Desired | None:
        """What the store says is wanted, with the versions that updates still keep; None for nothing at all."""
        return None if rows.desired.document is None else cls.load(rows.desired.document).with_kept()

    def document(self) -> dict[str, Any]:
        """As JSON."""
        whole = {"manifest": self.manifest.model_dump(mode="json"), "sources": dict(self.sources)}
        return whole | ({"rollouts": [each.document() for each in self.rollouts]} if self.rollouts else {})

    def with_kept(self) -> Desired:
        """With the versions that updates keep."""
        there = {spec.key for spec in self.manifest.function}
        kept = {spec.key: (spec, each) for each in self.rollouts for spec in each.before if spec.key not in there}
        sources = {key: each.sources[key] for key, (_, each) in kept.items() if key in each.sources}
        functions = (*self.manifest.function, *(spec for spec, _ in kept.values()))
        manifest = self.manifest.model_copy(update={"function": functions})
        return replace(self, manifest=manifest, sources={**self.sources, **sources}, kept=frozenset(kept)) if kept else self

    @cached_property
    def candidates(self) -> frozenset[str]:
        """The keys of versions that an update brings, or brings in another form, and that are not proven yet."""
        before = {each.function: each.forms for each in self.rollouts}
        return frozenset(
            spec.key
            for spec in self.manifest.function
            if spec.name in before and spec.key not in self.kept and before[spec.name].get(spec.key) != self.digest(spec)
        )

    @cached_property
    def newcomers(self) -> frozenset[str]:
        """The candidates that were not there before in any form."""
        return self.candidates - {spec.key for each in self.rollouts for spec in each.before}

    def digest(self, spec: FunctionSpec) -> str:
        """What tells one form of a version from another."""
        return digest_of(spec, self.sources.get(spec.key))


def digest_of(spec: FunctionSpec, source: str | None) -> str:
    """The digest of all that a version's replicas are made of, and not of how many there are; `source` is its folder's.

    Nor of what its user wishes of their machines: a replica where it may not be any more is replaced, and no other.
    """
    wishes = dict.fromkeys(("timeout", "move", "tolerates", "spot", "priority", "gang", "together", "health"), True)
    form = spec.model_dump(mode="json", exclude={"scale": {"min", "max", "idle"}, "source": True, **wishes})
    if not spec.models:  # what says nothing, so that its key is no other form
        del form["models"]
    form["calls"] = list(spec.calls)  # how often is nothing to a replica
    del form["data"]  # the gateway goes by it, but for the token to ask with
    form |= {"asks": True} if spec.asks and not spec.calls else {}
    if (gpu := form["resources"]["gpu"]) is not None:  # the same
        form["resources"]["gpu"] = {key: each for key, each in gpu.items() if each is not None or key == "memory"}
    form |= {} if spec.gang is None else {"gang": spec.gang, "together": spec.together}
    whole = json.dumps([form, source], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]
