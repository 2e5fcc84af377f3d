"""How a machine of this host comes to be, once for each spec of a token. All of it happens under the state folder's lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from cloudlayer.errors import TOKEN_SPENT, Avoid, AvoidScope, CapacityError, CloudError, Conflict, RejectedSpec
from cloudlayer.labels import TOKEN
from cloudlayer.providers.base.attempts import derive
from cloudlayer.providers.local.addresses import MACHINES, free_address
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.records import MachineRecord, Records, TokenRecord
from cloudlayer.providers.local.sizes import Size, choose, free_devices, how_many, machine_types
from cloudlayer.resources import Instance, InstanceSpec, InstanceState, MachineType

PROVIDER: Final = "local"
REGION: Final = "here"
AVOID_SECONDS: Final = 10.0


def launch(
    records: Records, host: HostFigures, specs: Sequence[InstanceSpec], *, token: str, digest: str, now: float
) -> list[Instance | CloudError]:
    """One answer for each spec; what the token launched before is adopted. A kill leaves machines that the next try adopts."""
    records.tidy()
    types = machine_types(host)
    chosen = [chosen_type(types, spec) for spec in specs]
    made = {record.index: record for record in records.machines() if record.token == token}
    known = records.token(token) or TokenRecord(digest)
    _check(known, made, digest)
    answers: list[Instance | CloudError] = []
    for index, (spec, type_) in enumerate(zip(specs, chosen, strict=True)):
        if index in known.launched and index not in made:
            answers.append(_deleted(spec, type_, token, index))
            continue
        record = made.get(index) or _new(
            host, records, spec, type_, types[type_], token=token, digest=digest, index=index, now=now
        )
        if isinstance(record, CapacityError):
            answers.append(record)
            continue
        made[index] = record
        answers.append(to_instance(record))
    if made:
        records.launched(token, digest, made)
    return answers


def chosen_type(types: Mapping[MachineType, Size], spec: InstanceSpec) -> MachineType:
    """The smallest machine type that the spec allows; RejectedSpec, with what there is, if none does."""
    if spec.zone not in (None, REGION):
        raise RejectedSpec(f'there is no zone "{spec.zone}": leave it out', provider=PROVIDER, code="NoSuchZone")
    found = choose(types, spec)
    if found is None:
        names = ", ".join(type_.name for type_ in types)
        raise RejectedSpec(f"no machine type fits: there are {names}; see the offers", provider=PROVIDER, code="NoSuchType")
    return found


def to_instance(record: MachineRecord) -> Instance:
    """The machine as an instance."""
    return Instance(
        id=record.id,
        provider=PROVIDER,
        region=REGION,
        zone=REGION,
        state=record.state,
        machine_type=record.machine_type,
        name=record.name,
        labels={TOKEN: record.token, **record.labels},
        private_address=record.address,
        created_at=datetime.fromtimestamp(record.created_at, UTC),
    )


def host_is_full(type_name: str) -> CapacityError:
    """The error when the host has no such share left."""
    return CapacityError(
        f"this host has no {type_name} left: delete a machine or take a smaller type",
        scope=AvoidScope.ZONE,
        provider=PROVIDER,
        code="HostFull",
        avoid=Avoid(seconds=AVOID_SECONDS, provider=PROVIDER, region=REGION, zone=REGION, machine_type=type_name),
    )


def _new(
    host: HostFigures,
    records: Records,
    spec: InstanceSpec,
    type_: MachineType,
    size: Size,
    *,
    token: str,
    digest: str,
    index: int,
    now: float,
) -> MachineRecord | CapacityError:
    taken = [record.taken for record in records.machines()]
    if how_many(host, taken, size) == 0:
        return host_is_full(type_.name)
    name = machine_id(token, index)
    record = MachineRecord(
        id=name,
        token=token,
        digest=digest,
        index=index,
        machine_type=type_.name,
        millicores=size.millicores,
        memory=size.memory,
        disk=size.disk,
        created_at=now,
        devices=tuple(device.uuid for device in free_devices(host, taken, size)[: size.device_count]),
        name=spec.name,
        labels=dict(spec.labels),
        address=free_address(MACHINES, name, {other.address for other in records.machines()}),
    )
    records.write(record)
    return record


def machine_id(token: str, index: int = 0) -> str:
    """The id of the machine that a token makes for its spec of that index."""
    return f"local-{derive(token, 'machine', index).replace('-', '')[:10]}"


def _check(known: TokenRecord, made: Mapping[int, MachineRecord], digest: str) -> None:
    if {known.digest, *(record.digest for record in made.values())} != {digest}:
        raise Conflict("this token was used for other specs: use a new one", provider=PROVIDER, code="TokenReused")
    if (known.launched or made) and all(record.state.gone for record in made.values()):
        raise Conflict("what this token launched is deleted: use a new one", provider=PROVIDER, code=TOKEN_SPENT)


def _deleted(spec: InstanceSpec, type_: MachineType, token: str, index: int) -> Instance:
    return Instance(
        id=machine_id(token, index),
        provider=PROVIDER,
        region=REGION,
        zone=REGION,
        state=InstanceState.DELETED,
        machine_type=type_.name,
        name=spec.name,
        labels={**spec.labels, TOKEN: token},
    )
