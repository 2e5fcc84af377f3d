"""The scheduler's words for a fleet's things: functions as demands, rows as machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cloudlayer.errors import Avoid
from cloudlayer.fleet.store import AvoidRow, MachineRow, ReplicaRow
from cloudlayer.functions.manifest import FunctionSpec, Manifest
from cloudlayer.resources import Offer
from cloudlayer.scheduler import Demand, Machine, Rules
from cloudlayer.scheduler.fit import SYSTEM_DISK, empty_machine, occupy

SIMULATED = "simulated"


def provider_key(offer: Offer) -> str:
    """The provider and region that an offer is from, as manifests write them."""
    return f"{offer.provider}:{offer.region}"


def engine_of(spec: FunctionSpec, engines: Iterable[str]) -> str:
    """The engine that a function runs under where the providers' machines run `engines`: simulated ones run all alike."""
    return SIMULATED if set(engines) == {SIMULATED} else spec.wanted_engine


def demand(id: str, spec: FunctionSpec, engine: str) -> Demand:
    """One replica of a function version."""
    needs, gpu = spec.resources, spec.resources.gpu
    return Demand(
        id=id,
        group=spec.key,
        function=spec.name,
        cpu=needs.cpu,
        memory=needs.memory,
        disk=needs.disk,
        engine=engine,
        architecture=needs.architecture,
        gpu_count=gpu.count if gpu else 0,
        gpu_memory=gpu.memory if gpu else None,
        gpu_models=gpu.model if gpu else (),
        spread=spec.spread,
        apart=frozenset(spec.apart),
    )


def machine(row: MachineRow, replicas: Sequence[ReplicaRow], engines: Sequence[str]) -> Machine:
    """A machine with what of it is free beside its live replicas."""
    whole = empty_machine(row.offer, engines)
    disk = whole.disk if row.offer.machine_type.disk is not None else int(row.spec["disk"]) - SYSTEM_DISK
    free = replace(whole, id=row.id, disk=disk)
    for replica in replicas:
        spec = checked_spec(replica)
        free = occupy(free, demand(replica.id, spec, replica.engine), [replica.devices])
    return free


def checked_spec(replica: ReplicaRow) -> FunctionSpec:
    """The function as it was when the replica was made."""
    return FunctionSpec.model_validate(replica.spec)


def rules(manifest: Manifest, avoids: Iterable[AvoidRow], machines: Iterable[MachineRow], now: float) -> Rules:
    """What may be bought for a fleet; engines are filled in by who knows the providers."""
    fleet, limit = manifest.fleet, manifest.fleet.max_price
    currency = limit.currency if limit else "USD"
    prices = [row.offer.price for row in machines]
    return Rules(
        spot=fleet.allow.spot,
        machine_types=fleet.allow.machine_types,
        regions=fleet.allow.regions,
        denied_machine_types=fleet.deny.machine_types,
        denied_regions=fleet.deny.regions,
        max_price=limit.amount if limit else None,
        currency=currency,
        spent=sum(price.amount for price in prices if price is not None and price.currency == currency),
        avoid=tuple(
            Avoid(row.until - now, row.provider, row.region, row.zone, row.machine_type, row.purchase)
            for row in avoids
            if row.until > now
        ),
    )
