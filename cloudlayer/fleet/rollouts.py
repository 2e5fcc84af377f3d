"""Rolling updates: what a function was is kept until what it is now has proved itself, and comes back by itself if it fails.

A deployment that changes a function (another form of a version, or another version in place of one) begins a rollout, which is
part of the document of what is wanted. While it lasts, the versions that it replaces stay wanted, and callers who do not name a
version get those. It ends in one of two ways, each a new document: the new versions have as many ready replicas as they
should at least have, and as the old ones have, each ready for a while (`health.stable`), and the old ones go; or the new ones
failed `health.tries` times without having been so, and the function is again what it was. Where there is no room for both, old
ones go one by one as long as that lets a new one in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from cloudlayer.fleet.desired import Desired, Rollout
from cloudlayer.fleet.pauses import FAILURES
from cloudlayer.fleet.store import STUCK, ReplicaRow, ReplicaRowState
from cloudlayer.functions.manifest import FunctionSpec

Latest = Callable[[FunctionSpec], Sequence[ReplicaRow]]
"""The newest replicas of a version, ended ones included."""


class Verdict(NamedTuple):
    """A rollout that ends: `failure` is None where the new versions are proven."""

    rollout: Rollout
    failure: str | None


def begun(old: Desired | None, new: Desired, now: float) -> Desired:
    """`new`, with a rollout for each function that it changes. What was not proven yet is no state to go back to."""
    known = {} if old is None else {each.function: each for each in old.rollouts}
    found = []
    for function in dict.fromkeys(spec.name for spec in new.manifest.function):
        before = known.get(function) or _as_it_is(old, function, now)
        if before.before and before.forms != _as_it_is(new, function, now).forms:
            found.append(replace(before, since=now))
    return replace(new, rollouts=tuple(found))


def wanted(desired: Desired, sizes: Mapping[str, int], replicas: Iterable[ReplicaRow]) -> dict[str, int]:
    """The number of replicas by version; of one that is to prove itself, as many as it has to carry afterwards."""
    sizes = {spec.key: sizes.get(spec.key, spec.scale.min) for spec in desired.manifest.function}
    if desired.rollouts:
        carried = _carried(desired, replicas)
        for spec in desired.manifest.function:
            if spec.key in desired.candidates:
                sizes[spec.key] = max(sizes[spec.key], needed(spec, carried[spec.name]))
    return sizes


def needed(spec: FunctionSpec, carried: int) -> int:
    """How many replicas a version has to have to be proven: its least, and as many as those `carried` that it replaces."""
    size = spec.gang or 1
    return max(spec.scale.min, size, min(spec.scale.max, carried) // size * size)


def verdicts(desired: Desired, replicas: Iterable[ReplicaRow], latest: Latest, now: float) -> list[Verdict]:
    """The rollouts that end now. `replicas` are those that there are, `latest` tells of ended ones too."""
    there, found = list(replicas), []
    carried = _carried(desired, there)
    for rollout in desired.rollouts:
        new = [spec for spec in desired.manifest.function if spec.name == rollout.function and spec.key in desired.candidates]
        failures = [(spec, _failure(spec, desired.digest(spec), latest(spec), rollout.since)) for spec in new]
        failure = next((f"{spec.key}: {why}" for spec, why in failures if why is not None), None)
        proven = [
            len(_stable(spec, desired.digest(spec), there, rollout.since, now)) >= needed(spec, carried[spec.name])
            for spec in new
        ]
        if all(proven):
            found.append(Verdict(rollout, None))
        elif failure is not None:
            found.append(Verdict(rollout, failure))
    return found


def ended(desired: Desired, verdict: Verdict) -> Desired:
    """What is wanted once a rollout has ended, where `desired` is without the versions that it keeps."""
    rollout = verdict.rollout
    left = replace(desired, rollouts=tuple(each for each in desired.rollouts if each.function != rollout.function))
    if verdict.failure is None:
        return left
    others = [spec for spec in desired.manifest.function if spec.name != rollout.function]
    names = {rollout.function, *(spec.name for spec in others)}
    before = (_fitted(spec, names, desired) for spec in rollout.before)
    manifest = desired.manifest.model_copy(update={"function": (*others, *before)})
    return replace(left, manifest=manifest, sources={**desired.sources, **rollout.sources})


def told(verdict: Verdict) -> tuple[str, str]:
    """The event of it: kind and message."""
    if verdict.failure is None:
        return "update done", f"{verdict.rollout.function}: the new version has proved itself"
    versions = ", ".join(spec.version for spec in verdict.rollout.before)
    return "rolled back", f"{verdict.rollout.function} is {versions} again: {verdict.failure}. Mend it, and deploy it anew"


def _fitted(spec: FunctionSpec, names: Container[str], desired: Desired) -> FunctionSpec:
    """A version as it was, without what the rest of the manifest has no more."""
    calls = {callee: weight for callee, weight in spec.calls.items() if callee in names}
    tolerates = tuple(taint for taint in spec.tolerates if taint in desired.manifest.fleet.taints)
    return spec.model_copy(update={"calls": calls, "tolerates": tolerates})


def _as_it_is(desired: Desired | None, function: str, now: float) -> Rollout:
    specs = () if desired is None else tuple(spec for spec in desired.manifest.function if spec.name == function)
    known = {} if desired is None else desired.sources
    return Rollout(function, specs, {spec.key: known[spec.key] for spec in specs if spec.key in known}, now)


def _carried(desired: Desired, replicas: Iterable[ReplicaRow]) -> Counter[str]:
    """By function, how many replicas serve of the versions that its update only keeps."""
    return Counter(row.function for row in replicas if row.state.serving and row.key in desired.kept)


def _stable(spec: FunctionSpec, digest: str, rows: Iterable[ReplicaRow], since: float, now: float) -> list[ReplicaRow]:
    mine = (row for row in rows if row.key == spec.key and row.digest == digest and row.created_at >= since)
    return [row for row in mine if row.state is ReplicaRowState.READY and now - row.changed_at >= spec.health.stable]


def _failure(spec: FunctionSpec, digest: str, rows: Iterable[ReplicaRow], since: float) -> str | None:
    """Why a version is given up; None while it may still prove itself."""
    mine = [row for row in rows if row.digest == digest and row.created_at >= since]
    failed = [row for row in mine if not row.state.serving and row.exit in (*FAILURES, STUCK)]
    tries = {row.gang or row.id for row in failed}
    if len(tries) < spec.health.tries:
        return None
    return f"{len(tries)} replicas failed in the update, the last one because: {failed[0].reason or failed[0].exit}"
