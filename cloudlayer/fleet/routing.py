"""The routes that the gateway serves by, made of the store's rows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping

from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.gangs import callable_rows
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.routes import Credential, DataAccess, ReplicaRoute, Routes, VersionRoute
from cloudlayer.fleet.store import MachineRow, ReplicaRow, ReplicaRowState
from cloudlayer.functions.data import DataSection
from cloudlayer.functions.manifest import FunctionSpec

CANNOT_START = "InitializationError"


def routes(
    number: int,
    home: Home,
    keys: Mapping[str, str],
    *,
    desired: Desired,
    replicas: Iterable[ReplicaRow],
    failing: Mapping[str, str],
    machines: Iterable[MachineRow] = (),
    cut: Collection[str] = (),
) -> Routes:
    """A whole snapshot. `keys` are hashes by name, `failing` tells by version why it cannot be brought up.

    No route leads to a machine that does not answer; calls under way there go on, unless its connection is `cut`.
    """
    rows = list(replicas)
    routed = _routed(desired, rows)
    away = {machine.id for machine in machines if machine.unreachable is not None}.union(cut)
    there = [row for row in rows if row.machine not in away]
    return Routes(
        number=number,
        pepper=home.pepper().hex(),
        credentials=(*_keys(keys), *_tokens(home, desired, rows, routed)),
        versions=tuple(_version(spec, desired, there, failing.get(spec.key), routed) for spec in desired.manifest.function),
        away=tuple(row.id for row in rows if row.machine in cut),
        data=_access(desired.manifest.fleet.data),
    )


def _keys(keys: Mapping[str, str]) -> Iterable[Credential]:
    return (Credential(digest, name) for name, digest in keys.items())


def _routed(desired: Desired, rows: Iterable[ReplicaRow]) -> Collection[str]:
    """The machines that have a router: other than this host, with replicas that may call."""
    calling = {spec.key for spec in desired.manifest.function if spec.asks}
    there = (row.machine for row in rows if row.inner_address and row.key in calling and row.state.live)
    return set(there) if desired.manifest.fleet.router else ()


def _tokens(home: Home, desired: Desired, rows: Iterable[ReplicaRow], routed: Collection[str]) -> Iterable[Credential]:
    """A replica's token calls and reads what its function may, and is good while the replica lives."""
    for row in rows:
        spec = desired.manifest.of(row.key)
        if spec is not None and spec.asks and row.state.live:
            token, calls, data = home.token(row.id), tuple(spec.calls), _access(spec.data)
            if row.machine in routed:
                digest = hashlib.sha256(token.encode()).hexdigest()
                yield Credential(home.hash(token), row.key, calls, row.machine, digest, data)
            else:
                yield Credential(home.hash(token), row.key, calls, data=data)


def _access(section: DataSection) -> DataAccess:
    return DataAccess(section.open, section.write)


def _route(row: ReplicaRow, routed: Collection[str]) -> ReplicaRoute:
    if row.machine in routed and row.inner_address:
        return ReplicaRoute(row.id, row.address or "", row.machine, row.inner_address)
    return ReplicaRoute(row.id, row.address or "")


def _version(
    spec: FunctionSpec, desired: Desired, rows: Iterable[ReplicaRow], failing: str | None, routed: Collection[str]
) -> VersionRoute:
    ready = [row for row in rows if row.key == spec.key and row.state is ReplicaRowState.READY and row.address]
    if spec.key in desired.candidates:  # its own form takes calls once it is proven, or when there is no other
        digest = desired.digest(spec)
        ready = [row for row in ready if row.digest != digest] or ready
    return VersionRoute(
        function=spec.name,
        version=spec.version,
        timeout=spec.timeout,
        concurrency=spec.scale.concurrency,
        maximum=spec.scale.max // (spec.gang or 1),
        idempotent=spec.idempotent,
        replicas=tuple(_route(row, routed) for row in callable_rows(ready)),
        failure=(CANNOT_START, failing) if failing else None,
        candidate=spec.key in desired.newcomers,
    )
