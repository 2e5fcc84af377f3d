"""A simulated cloud for tests and rehearsals: what it sells, what it withholds, and the truth of what it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import ReplicaExit, ReplicaState
from cloudlayer.labels import SPEC, TOKEN
from cloudlayer.providers.simulated import (
    balancers,
    catalogue,
    cloud,
    groups,
    limits,
    members,
    pieces,
    shares,
    snapshots,
    views,
    volumes,
)
from cloudlayer.providers.simulated.provider import SimulatedProvider
from cloudlayer.resources import Instance, LoadBalancer, MachineType, Offer, Purchase, ScalingGroup, Share, Snapshot, Volume
from cloudlayer.runtime.simulated import Simulation
from cloudlayer.runtime.simulated.engine import status
from cloudlayer.runtime.simulated.records import INTERRUPTED, Document, running_since, state_of
from cloudlayer.runtime.simulated.things import Change, ThingRecord


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica as it truly is: `cpu` in cores, `memory` in bytes, `devices` indices of its machine's GPUs."""

    id: str
    machine: str
    function: str
    version: str
    state: ReplicaState
    cpu: float
    memory: int
    devices: tuple[int, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)


class World(Simulation):
    """A whole simulated cloud, in memory or, with `file`, shared by all who open that file.

    Its settings are those of `cloudlayer.runtime.simulated.Settings`. What goes wrong is injected: `inject(Fault("lost",
    call="create"))`. Everything here is for those who watch the world from outside; it is in no journal, and no fault hits it.
    """

    def connect(self, region: str | None = None) -> SimulatedProvider:
        """The provider that sells this world's machines, in a region ("sim-east" without one)."""
        return SimulatedProvider(checked_region(region), self)

    def pass_time(self, document: Document, now: float) -> None:
        """Let the groups do what they had to do until now, and the volumes come off machines that are deleted."""
        members.pass_time(document, now)
        volumes.release(document, now)

    def instances(self, *, live: bool = False) -> list[Instance]:
        """Every instance of every region that was ever made, as it truly is now; with `live`, those that are not gone."""
        document, now = self.look()
        records = [record for record in document["instances"].values() if not (live and state_of(record, now).gone)]
        return [cloud.instance(record, views.current(record, now)) for record in records]

    def groups(self) -> list[ScalingGroup]:
        """Every scaling group that was ever made, as it truly is now."""
        document, now = self.look()
        return [groups.group(document, now, record, views.current(record, now)) for record in document["groups"].values()]

    def balancers(self) -> list[LoadBalancer]:
        """Every load balancer that was ever made, as it truly is now."""
        document, now = self.look()
        return [balancers.balancer(record, views.current(record, now)) for record in document["balancers"].values()]

    def volumes(self) -> list[Volume]:
        """Every volume that was ever made, as it truly is now."""
        document, now = self.look()
        return [volumes.volume(record, views.current(record, now), now) for record in document["volumes"].values()]

    def snapshots(self) -> list[Snapshot]:
        """Every snapshot that was ever made, as it truly is now."""
        document, now = self.look()
        return [snapshots.snapshot(record, views.current(record, now)) for record in document["snapshots"].values()]

    def shares(self) -> list[Share]:
        """Every share that was ever made, as it truly is now."""
        document, now = self.look()
        return [shares.share(record, views.current(record, now)) for record in document["shares"].values()]

    def holdings(self, labels: Mapping[str, str]) -> dict[str, int]:
        """How many things of each kind carry all of `labels` and are not gone, pieces included; no kind stands there with 0."""
        document, now = self.look()
        tables: dict[str, Mapping[str, ThingRecord]] = {
            "instance": document["instances"],
            "group": document["groups"],
            "balancer": document["balancers"],
            "volume": document["volumes"],
            "snapshot": document["snapshots"],
            "share": document["shares"],
        }
        wanted = labels.items()
        held = Counter(
            kind
            for kind, table in tables.items()
            for record in table.values()
            if wanted <= record["labels"].items() and not views.gone(record, now)
        )
        held.update(piece["kind"] for piece in document["pieces"].values() if wanted <= piece["labels"].items())
        return dict(held)

    def leave_pieces(self, labels: Mapping[str, str], *, region: str = "sim-east") -> int:
        """Leave one piece of each kind with these labels behind, as broken-off creates of long ago do; how many these are."""
        with self.transaction() as (document, now):
            for kind in pieces.KINDS:
                token = str(uuid4())
                marked = {**labels, TOKEN: token, SPEC: "0" * 16}
                pieces.make(document, now - pieces.UNDER_WAY_SECONDS, region, kind, name=f"left-{token}", labels=marked)
        return len(pieces.KINDS)

    def set_metric(self, group: str, metric: Literal["cpu_percent", "requests_per_target"], value: float) -> None:
        """What a group's policies see from now on, until it is set anew."""
        with self.transaction() as (document, now):
            record = views.there(document["groups"], group, groups.KIND, now)
            record["metrics"][metric] = value
            record["next_at"] = now

    def replicas(self) -> list[Replica]:
        """Every replica on every machine that runs, ended ones that were not stopped included."""
        document, now = self.look()
        return [replica for machine in document["replicas"] for replica in _replicas(document, machine, now)]

    def interrupt(self, instance: str, *, after: float = 0.0) -> None:
        """The cloud takes a spot instance back, in `after` seconds."""
        with self.transaction() as (document, now):
            record = document["instances"].get(instance)
            if record is None or record["purchase"] != "spot" or state_of(record, now).gone:
                raise InvalidSpec(f'simulated: "{instance}" is no spot instance that could be interrupted')
            if after <= 0:
                cloud.end(record, document, now, INTERRUPTED)
            else:
                cloud.interrupt_at(record, document, now, now + after)

    def end_replica(self, id: str, exit: ReplicaExit = ReplicaExit.CRASHED) -> None:
        """Let a replica that runs end by itself, now."""
        with self.transaction() as (document, now):
            found = [there[id] for there in document["replicas"].values() if id in there]
            if not found:
                raise InvalidSpec(f'simulated: no replica "{id}" is there to end')
            for record in found:
                past = [change for change in record["timeline"] if change["at"] <= now]
                record["timeline"] = [*past, Change(at=now, reads=0, state=ReplicaState.EXITED, reason=exit)]

    def set_quota(self, name: str, limit: float | None) -> None:
        """The account may hold so many of these over all regions, None for no limit.

        "instances", "vcpus", "gpus", "groups", "balancers", "volumes", "snapshots", "shares".
        """
        with self.transaction() as (document, _now):
            document["quotas"].pop(limits.checked_quota(name), None)
            if limit is not None:
                document["quotas"][name] = limit

    def set_capacity(self, zone: str, machine_type: str, count: int | None, *, purchase: Purchase = "on_demand") -> None:
        """The zone has so many of a machine type, those that are sold included; None for no end of them."""
        name = limits.key(zone, machine_type, purchase)
        with self.transaction() as (document, _now):
            document["capacity"].pop(name, None)
            if count is not None:
                document["capacity"][name] = count

    def sell(
        self,
        machine_type: MachineType,
        *,
        zone: str = "sim-east-a",
        price: float | None,
        purchase: Purchase = "on_demand",
        reservation: str | None = None,
        available: int | None = None,
    ) -> Offer:
        """Put a machine type on sale beside what is on sale already. `price` in USD an hour, None if it is unknown.

        A reservation has a name, and as many machines as `available` says.
        """
        region = next((region for region, zones in catalogue.REGIONS.items() if zone in zones), None)
        if region is None:
            raise InvalidSpec(f'simulated: "{zone}" is no zone: there are {", ".join(sum(catalogue.REGIONS.values(), ()))}')
        amount = None if price is None else catalogue.priced(price)
        offer = Offer(catalogue.PROVIDER, region, zone, machine_type, purchase, amount, available, reservation)
        with self.transaction() as (document, _now):
            document["sales"].append(catalogue.to_record(offer))
        return offer


def checked_region(region: str | None) -> str:
    """The region, or the first one; InvalidSpec if there is none of that name."""
    if region is None:
        return next(iter(catalogue.REGIONS))
    if region not in catalogue.REGIONS:
        raise InvalidSpec(f'simulated: "{region}" is no region: there are {", ".join(catalogue.REGIONS)}')
    return region


def _replicas(document: Document, machine: str, now: float) -> list[Replica]:
    since = running_since(document, machine, now)
    if since is None:
        return []
    return [
        Replica(
            id=record["id"],
            machine=machine,
            function=record["function"],
            version=record["version"],
            state=status(record, since, now).state,
            cpu=record["cpu"],
            memory=record["memory"],
            devices=tuple(record["devices"]),
            labels=dict(record["labels"]),
        )
        for record in document["replicas"][machine].values()
    ]
