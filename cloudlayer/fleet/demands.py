"""The scheduler's words for a fleet's things: functions as demands, rows as machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cloudlayer.errors import Avoid
from cloudlayer.fleet.store import AvoidRow, MachineRow, ReplicaRow, ReplicaRowState
from cloudlayer.functions.manifest import FunctionSpec, Manifest
from cloudlayer.interfaces import Model
from cloudlayer.scheduler import CallPrices, Demand, Machine, Resident, Rules, Traffic
from cloudlayer.scheduler.admission import is_sunk, taints_of
from cloudlayer.scheduler.fit import SYSTEM_DISK, empty_machine, occupy

SIMULATED = "simulated"
MAKES_INSTANCES = frozenset({"docker", SIMULATED})
"""The engines that make MIG instances."""
_WISHES = ("tolerates", "spot", "priority", "move")
"""The keys of a function that say nothing of what its replicas are: for those that run, they hold as they are now."""


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
        gpu_compute=gpu.thousandths if gpu else None,
        gpu_profile=gpu.profile if gpu else None,
        tolerates=frozenset(spec.tolerates),
        spot=spec.spot,
        priority=spec.priority,
    )


def unhonoured(spec: FunctionSpec, engines: Iterable[str]) -> str | None:
    """Why no engine can start the function as it is written, where the providers' machines run `engines`; None if one can."""
    known = set(engines)
    gpu = spec.resources.gpu
    if gpu is None or gpu.profile is None or not known or (engine := engine_of(spec, known)) in MAKES_INSTANCES:
        return None
    return (
        f'{spec.key}: resources.gpu.profile: the {engine} engine makes no MIG instances: name engine = "docker", or ask for '
        "a share by memory and compute"
    )


def may_be_on(spec: FunctionSpec, row: MachineRow, rules: Rules) -> bool:
    """Whether the machine's taints, and how it was bought, are what the function is content with."""
    return taints_of(row.offer, rules) <= set(spec.tolerates) and (spec.spot or row.offer.purchase != "spot")


def machine(
    row: MachineRow, replicas: Sequence[ReplicaRow], engines: Sequence[str], *, rules: Rules, manifest: Manifest, now: float
) -> Machine:
    """A machine with what of it is free beside its live replicas, and with those as its residents."""
    whole = empty_machine(row.offer, engines, taints_of(row.offer, rules))
    disk = whole.disk if row.offer.machine_type.disk is not None else int(row.spec["disk"]) - SYSTEM_DISK
    free = replace(whole, id=row.id, disk=disk)
    residents = [_resident(replica, row, manifest, now) for replica in replicas]
    for each in residents:
        free = occupy(free, each.demand, [each.devices], [each.slices])
    return replace(free, residents=tuple(residents))


def _resident(replica: ReplicaRow, machine: MachineRow, manifest: Manifest, now: float) -> Resident:
    """What it takes is as it was when it was made; what its user wishes of it is as it is now."""
    if replica.state is ReplicaRowState.PARKED:
        return _off_its_gpus(replica, machine)
    spec, current = checked_spec(replica), manifest.of(replica.key)
    if current is not None:
        spec = spec.model_copy(update={name: getattr(current, name) for name in _WISHES})
    ready = replica.state is ReplicaRowState.READY
    return Resident(
        demand=replace(demand(replica.id, spec, replica.engine), gang=replica.gang, rank=replica.rank, together=spec.together),
        devices=replica.devices,
        age=max(0.0, now - replica.created_at),
        slices=replica.slices,
        start=max(0.0, replica.changed_at - replica.created_at) if ready else 0.0,
        move=spec.move,
        leaving=not replica.state.serving,
    )


def _off_its_gpus(replica: ReplicaRow, machine: MachineRow) -> Resident:
    """What it had on its GPUs is in the machine's memory."""
    whole = demand(replica.id, checked_spec(replica), replica.engine)
    devices = machine.offer.machine_type.accelerators
    held = sum(whole.gpu_memory or devices[index].memory for index in replica.devices if index < len(devices))
    bare = replace(whole, memory=whole.memory + held, gpu_count=0, gpu_memory=None, gpu_compute=None, gpu_models=())
    return Resident(demand=bare)


def checked_spec(replica: ReplicaRow) -> FunctionSpec:
    """The function as it was when the replica was made."""
    return FunctionSpec.model_validate(replica.spec)


def models_of(function: FunctionSpec) -> tuple[Model, ...]:
    """The models that its replicas read, as engines take them."""
    return tuple(Model(each.uri, each.name, each.etag, each.size, each.crc32c) for each in function.models)


def traffic(manifest: Manifest) -> tuple[Traffic, ...]:
    """Who calls whom, as the manifest says; of several versions the one that calls most."""
    found: dict[tuple[str, str], Traffic] = {}
    for spec in manifest.function:
        for callee, weight in spec.calls.items():
            call = Traffic(spec.name, callee, weight.rate, float(weight.size))
            found[spec.name, callee] = max(found.get((spec.name, callee), call), call, key=lambda each: (each.calls, each.size))
    return tuple(call for _, call in sorted(found.items()))


def rules(manifest: Manifest, avoids: Iterable[AvoidRow], machines: Iterable[MachineRow], now: float) -> Rules:
    """What may be bought for a fleet; engines are filled in by who knows the providers."""
    fleet, limit = manifest.fleet, manifest.fleet.max_price
    currency = limit.currency if limit else "USD"
    prices = [row.offer.price for row in machines if not is_sunk(row.offer)]
    return Rules(
        spot=fleet.allow.spot,
        machine_types=fleet.allow.machine_types,
        regions=fleet.allow.regions,
        denied_machine_types=fleet.deny.machine_types,
        denied_regions=fleet.deny.regions,
        max_price=limit.amount if limit else None,
        currency=currency,
        taints=fleet.taints,
        traffic=traffic(manifest),
        call_prices=CallPrices(**fleet.call_prices.model_dump()),
        spent=sum(price.amount for price in prices if price is not None and price.currency == currency),
        avoid=tuple(
            Avoid(row.until - now, row.provider, row.region, row.zone, row.machine_type, row.purchase)
            for row in avoids
            if row.until > now
        ),
    )
