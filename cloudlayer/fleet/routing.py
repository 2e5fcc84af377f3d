"""The routes that the gateway serves by, made of the store's rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.gangs import callable_rows
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.routes import Credential, ReplicaRoute, Routes, VersionRoute
from cloudlayer.fleet.store import ReplicaRow, ReplicaRowState
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
) -> Routes:
    """A whole snapshot. `keys` are hashes by name, `failing` tells by version why it cannot be brought up."""
    rows = list(replicas)
    return Routes(
        number=number,
        pepper=home.pepper().hex(),
        credentials=(*_keys(keys), *_tokens(home, desired, rows)),
        versions=tuple(_version(spec, rows, failing.get(spec.key)) for spec in desired.manifest.function),
    )


def _keys(keys: Mapping[str, str]) -> Iterable[Credential]:
    return (Credential(digest, name) for name, digest in keys.items())


def _tokens(home: Home, desired: Desired, rows: Iterable[ReplicaRow]) -> Iterable[Credential]:
    """A replica's token calls what its function may call, and is good while the replica lives."""
    for row in rows:
        spec = desired.manifest.of(row.key)
        if spec is not None and spec.calls and row.state.live:
            yield Credential(home.hash(home.token(row.id)), row.key, tuple(spec.calls))


def _version(spec: FunctionSpec, rows: Iterable[ReplicaRow], failing: str | None) -> VersionRoute:
    ready = (row for row in rows if row.key == spec.key and row.state is ReplicaRowState.READY and row.address)
    return VersionRoute(
        function=spec.name,
        version=spec.version,
        timeout=spec.timeout,
        concurrency=spec.scale.concurrency,
        maximum=spec.scale.max // (spec.gang or 1),
        idempotent=spec.idempotent,
        replicas=tuple(ReplicaRoute(row.id, row.address or "") for row in callable_rows(ready)),
        failure=(CANNOT_START, failing) if failing else None,
    )
