"""Doing: the calls that a decision asks for. Each call's intent is in the store before it is made, and its answer after.

What raises is told in the event log and tried again later by the next decision: nothing here loops.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from cloudlayer.errors import (
    CloudError,
    CloudLayerError,
    EngineError,
    InvalidSpec,
    LeaseLost,
    NotFound,
    Throttled,
    TransientError,
)
from cloudlayer.fleet import booting, settle
from cloudlayer.fleet.avoiding import avoid_after
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.demands import checked_spec, models_of
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.health import examined
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.outposts import outpost
from cloudlayer.fleet.store import STUCK, Event, Lease, LedgerRow, MachineRow, MachineState, ReplicaRow, ReplicaRowState, writes
from cloudlayer.fleet.view import Buy, Delete, Start, Stop
from cloudlayer.functions.manifest import FunctionSpec
from cloudlayer.interfaces import Clock, Deadline, ReplicaExit, ReplicaSpec, ReplicaState, ReplicaStatus, RouterSpec
from cloudlayer.labels import FLEET, OWNER
from cloudlayer.resources import DiskSpec, Instance, InstanceSpec, InstanceState

PREPARE_SECONDS: Final = 900.0
"""How long fetching an image or installing requirements may take."""
LOAD_SECONDS: Final = 600.0
"""How long a function's load() may take."""
GRACE: Final = 5.0
NO_GRACE: Final = 0.2
"""Seconds that a replica gets to end by itself; one that overran a call's time gets none to speak of."""
TOLD_FOR: Final = 60.0
"""Seconds for which an error that comes again is not told again."""


@dataclass(frozen=True)
class Surroundings:
    """Where the fleet lives: what its replicas need to know of it. `url` is the gateway's."""

    home: Home
    owner: str
    fleet: str
    url: str = ""


class Actor:
    """Does one action at a time, on whatever thread."""

    def __init__(
        self, lease: Lease, clouds: Clouds, surroundings: Surroundings, clock: Clock, changed: Callable[[], None] = lambda: None
    ) -> None:
        """`changed` is called when a replica has become ready or has ended, so that routes can be told at once."""
        self._lease = lease
        self._clouds = clouds
        self._where = surroundings
        self._clock = clock
        self.changed = changed
        self._told: dict[tuple[str, str], float] = {}

    # Machines

    def buy(self, action: Buy, spec: InstanceSpec | None = None) -> Sequence[Instance | CloudLayerError]:
        """Create the machines of a batch, or find those that an earlier try made; an answer for each.

        `spec` stands in for what the rows say, where that is not all: see `instances`.
        """
        rows = action.rows
        compute = self._clouds.provider(rows[0].provider).compute
        specs = self._specs(rows, spec)
        answers: Sequence[Instance | CloudLayerError]
        try:
            answers = compute.create_batch(specs, token=rows[0].batch, deadline=self._clouds.deadline())
        except (Throttled, TransientError):
            raise  # it may have taken effect: the same token is tried again
        except (CloudError, InvalidSpec) as error:
            # Should one have been made all the same, it carries our labels, and the next look removes it.
            answers = [error] * len(rows)
        self._bought(rows, answers)
        keys = self._clouds.reach.keys(rows[0].fleet)
        keys.forget_boot(rows[0].batch)
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, CloudLayerError):
                keys.forget(row.id)
        self._clouds.stale(rows[0].provider)
        return answers

    def _specs(self, rows: Sequence[MachineRow], spec: InstanceSpec | None) -> list[InstanceSpec]:
        """What to create for a batch, with what makes bare machines ours; their first host key is pinned before they are."""
        specs, provider = [self._instance_spec(row, spec) for row in rows], self._clouds.provider(rows[0].provider)
        if by_hand(rows[0]) or not booting.boots(provider):
            return specs
        keys = self._clouds.reach.keys(rows[0].fleet)
        for row in rows:
            keys.pin_first(row.id, keys.boot(row.batch).public)
        return [booting.completed(one, row, provider, keys) for one, row in zip(specs, rows, strict=True)]

    def _instance_spec(self, row: MachineRow, spec: InstanceSpec | None) -> InstanceSpec:
        offer, disk = row.offer, int(row.spec.get("disk", 0))
        asked = spec or InstanceSpec.model_validate(row.spec.get("instance", {}))
        return asked.model_copy(
            update={
                "machine_type": offer.machine_type.name,
                "zone": offer.zone,
                "purchase": offer.purchase,
                "reservation": offer.reservation,
                "disks": (DiskSpec(size=disk, boot=True),) if disk else asked.disks,
                "labels": {**asked.labels, OWNER: self._where.owner, FLEET: self._where.fleet},
            }
        )

    def _bought(self, rows: Iterable[MachineRow], answers: Iterable[Instance | CloudLayerError]) -> None:
        now = self._clock.now()
        with self._lease.write() as connection:
            for row, answer in zip(rows, answers, strict=True):
                if isinstance(answer, CloudLayerError):
                    self._note_failure(connection, row, answer, str(answer), now)
                else:
                    self._bind(connection, row, answer, now)

    def _bind(self, connection: Connection, row: MachineRow, instance: Instance, now: float) -> None:
        access = None if by_hand(row) else self._clouds.provider(row.provider).access(instance)
        running = instance.state is InstanceState.RUNNING and access is None
        state = MachineState.RUNNING if running else MachineState.PENDING
        address = access.address if access else instance.private_address or instance.public_address
        writes.change_machine(connection, row, now, state=state, instance=instance.id, address=address)
        writes.open_account(connection, ledger_row(row, instance.id, now))
        price = row.offer.price
        what = f"{row.provider} {instance.id}, {row.offer.machine_type.name}, {price or 'price unknown'}"
        self._note(connection, "machine bought", row.id, what, now)

    def _note_failure(self, connection: Connection, row: MachineRow, error: CloudLayerError, why: str, now: float) -> None:
        writes.change_machine(connection, row, now, state=MachineState.FAILED, reason=why)
        avoid = avoid_after(error, row.offer)
        if avoid is not None:
            writes.add_avoid(connection, row.fleet, now, avoid, why)
        self._note(connection, "machine not bought", row.id, why, now)

    def delete(self, action: Delete) -> bool:
        """Delete a machine. True once it is gone; a cloud that takes its time is seen to have done it by a later look."""
        row = action.row
        compute = self._clouds.provider(row.provider).compute
        if row.instance is not None:
            self._clouds.forget(row)
            compute.delete([row.instance], deadline=self._clouds.deadline())
            if not self._gone(row):
                return False
        now = self._clock.now()
        with self._lease.write() as connection:
            for write in settle.close_machine(row, action.why, now):
                write(connection)
        self._clouds.stale(row.provider)
        return True

    def _gone(self, row: MachineRow) -> bool:
        provider = self._clouds.provider(row.provider)
        try:
            return provider.compute.get(str(row.instance), deadline=self._clouds.deadline()).state is InstanceState.DELETED
        except NotFound:
            # A cloud that does not know it yet has not deleted it either. This host knows at once.
            return not provider.keeps_machines or self._clock.now() - row.created_at >= settle.GRACE

    def remove_instance(self, provider: str, instance: str) -> None:
        """Delete an instance of ours that no machine has."""
        with self._lease.write() as connection:
            why = f"{instance} carries this fleet's labels and belongs to none of its machines"
            self._note(connection, "stray instance", provider, why, self._clock.now())
        self._clouds.provider(provider).compute.delete([instance], deadline=self._clouds.deadline())

    # Replicas

    def start(self, action: Start, machine: MachineRow, desired: Desired) -> None:
        """Start a replica, or find the one that an earlier try started; returns when it is ready, or has ended."""
        row = action.row
        try:
            engine = self._clouds.engine(machine, row.engine)
            spec = self._replica_spec(row, machine, desired)
            engine.prepare(spec, deadline=self._clouds.deadline(PREPARE_SECONDS))
            engine.start(spec, deadline=self._clouds.deadline())
            ready_by = self._clouds.deadline(LOAD_SECONDS)
            status = examined(engine.wait(row.id, deadline=ready_by), checked_spec(row), ready_by, self._clock)
        except (Throttled, TransientError):
            raise
        except (EngineError, CloudError, InvalidSpec) as error:
            # Unsupported, a source that changed, a secret that is missing: the same again would end the same way.
            status = ReplicaStatus(row.id, ReplicaState.EXITED, exit=ReplicaExit.FAILED_TO_LOAD, message=str(error))
        if status.state is ReplicaState.STARTING:
            message = f"not ready within {LOAD_SECONDS:.0f} s: its load() takes too long"
            status = ReplicaStatus(row.id, ReplicaState.EXITED, exit=ReplicaExit.FAILED_TO_LOAD, message=message)
        self._started(row, status)
        self.changed()

    def _started(self, row: ReplicaRow, status: ReplicaStatus) -> None:
        now = self._clock.now()
        with self._lease.write() as connection:
            if not writes.replica_is(connection, row):
                return  # its machine was given up, or it was stopped meanwhile
            if status.state is ReplicaState.READY:
                changes = {"address": status.address or "", "inner_address": status.inner_address, "handle": status.handle}
                writes.change_replica(connection, row, now, state=ReplicaRowState.READY, **changes)
                self._note(connection, "replica ready", row.id, f"{row.key} on {row.machine}", now)
            else:
                changes = {"exit": str(status.exit or ReplicaExit.CRASHED), "reason": status.message}
                writes.change_replica(connection, row, now, state=ReplicaRowState.STOPPING, **changes)
                self._note(connection, "replica failed", row.id, f"{row.key}: {status.exit}: {status.message}", now)

    def _replica_spec(self, row: ReplicaRow, machine: MachineRow, desired: Desired) -> ReplicaSpec:
        function = checked_spec(row)
        gpu = function.resources.gpu
        environment = {**function.env, **secrets(function)}
        home, labels = self._where.home, {OWNER: self._where.owner, FLEET: self._where.fleet}
        socket: Path | None = None
        router: RouterSpec | None = None
        if function.asks:
            environment["CLOUDLAYER_URL"] = self._where.url
            environment["CLOUDLAYER_TOKEN"] = home.token(row.id)
            socket = home.gateway_socket(self._where.fleet)
        if function.asks and self._clouds.host(machine) is not None:
            socket, router = outpost(home, machine, labels, router=desired.manifest.fleet.router)
        if row.gang is not None:
            environment |= {"CLOUDLAYER_GANG": row.gang, "CLOUDLAYER_GANG_SIZE": str(function.gang)}
            environment["CLOUDLAYER_RANK"] = str(row.rank)
        return ReplicaSpec(
            id=row.id,
            function=row.function,
            version=row.version,
            cpu=function.resources.cpu,
            memory=function.resources.memory,
            disk=function.resources.disk,
            source=Path(function.source) if function.source else None,
            source_digest=desired.sources.get(row.key, ""),
            image=function.image,
            devices=row.devices,
            gpu_profile=gpu.profile if gpu else None,
            gpu_memory=gpu.memory if gpu else None,
            gpu_compute=gpu.thousandths if gpu else None,
            slices=row.slices,
            concurrency=function.scale.concurrency,
            internet=function.internet,
            environment=environment,
            gateway_socket=socket,
            router=router,
            models=models_of(function),
            labels=labels,
        )

    def stop(self, action: Stop, machine: MachineRow | None) -> None:
        """End a replica and remove its traces."""
        row = action.row
        if machine is not None:
            grace = NO_GRACE if row.exit == STUCK else GRACE
            self._clouds.engine(machine, row.engine).stop(row.id, grace=grace, deadline=self._clouds.deadline())
        now = self._clock.now()
        with self._lease.write() as connection:
            how = row.exit or str(ReplicaExit.STOPPED)
            writes.change_replica(connection, row, now, state=ReplicaRowState.ENDED, exit=how, reason=action.why)
            self._note(connection, "replica stopped", row.id, f"{row.key}: {action.why}", now)

    def remove_replica(self, machine: MachineRow, engine: str, replica: str) -> None:
        """End a replica of ours that no live row has."""
        with self._lease.write() as connection:
            self._note(connection, "stray replica", replica, f"it runs on {machine.id} and is not wanted", self._clock.now())
        self._clouds.engine(machine, engine).stop(replica, deadline=self._clouds.deadline())

    def inspect(self, row: ReplicaRow, machine: MachineRow) -> ReplicaStatus | None:
        """How a replica is that broke off a call, written down if it has ended; None if nobody knows it."""
        status = self._ended_status(row, machine)
        now = self._clock.now()
        found = list(settle.ending(row, status, now))
        if found:
            with self._lease.write() as connection:
                for write in found:
                    write(connection)
            self.changed()
        return status

    def _ended_status(self, row: ReplicaRow, machine: MachineRow) -> ReplicaStatus | None:
        """The engine may see the end some milliseconds after the gateway did."""
        engine = self._clouds.engine(machine, row.engine)
        deadline = Deadline.after(0.3, self._clock)
        while True:
            status = engine.get(row.id, deadline=self._clouds.deadline())
            if status is None or status.state is ReplicaState.EXITED or deadline.remaining() <= 0:
                return status
            self._clock.sleep(0.01)

    # Telling

    def complain(self, subject: str, error: Exception) -> None:
        """Put an error into the event log, the same one once a minute; a lease that is lost is raised on."""
        if isinstance(error, LeaseLost):
            raise error
        now = self._clock.monotonic()
        if self._told.get((subject, str(error)), now) > now:
            return
        self._told = {key: until for key, until in self._told.items() if until > now}
        self._told[subject, str(error)] = now + TOLD_FOR
        with self._lease.write() as connection:
            self._note(connection, "error", subject, str(error), self._clock.now())

    def _note(self, connection: Connection, kind: str, subject: str, message: str, now: float) -> None:
        writes.add_event(connection, Event(0, self._where.fleet, now, kind, subject, message))


def by_hand(row: MachineRow) -> bool:
    """Whether the machine is what its user asks for, as it is, and not a fleet's."""
    return "instance" in row.spec


def ledger_row(row: MachineRow, instance: str, now: float) -> LedgerRow:
    """The account of a machine at its launch."""
    price = row.offer.price
    return LedgerRow(
        fleet=row.fleet,
        machine=row.id,
        instance=instance,
        provider=row.provider,
        machine_type=row.offer.machine_type.name,
        purchase=row.offer.purchase,
        price=price.amount if price else None,
        currency=price.currency if price else None,
        source=price.source if price else "",
        as_of=price.as_of.isoformat() if price else None,
        started_at=now,
    )


def secrets(function: FunctionSpec) -> dict[str, str]:
    """A function's secrets, read where the manifest says that they are. InvalidSpec names the one that is missing."""
    found = {}
    for name, place in function.secrets.items():
        kind, _, where = place.partition(":")
        value = os.environ.get(where) if kind == "env" else _content(Path(where))
        if value is None:
            raise InvalidSpec(f"{function.key}: secret {name}: {place} is not there; set it where the controller runs")
        found[name] = value
    return found


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except OSError:
        return None
