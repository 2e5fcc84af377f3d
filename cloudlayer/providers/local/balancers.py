"""What balancers are on this host: a record each, from which its process is told what to do by whoever looks at it."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from cloudlayer.errors import TransientError
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.local import proxies
from cloudlayer.providers.local.groups import GroupRecord
from cloudlayer.providers.local.launch import PROVIDER, REGION
from cloudlayer.providers.local.proxy.settings import Check, Listener, Settings, Target
from cloudlayer.providers.local.records import Records
from cloudlayer.providers.local.shelf import Kept, Shelf
from cloudlayer.resources import Listener as ListenerSpec
from cloudlayer.resources import LoadBalancer, LoadBalancerState, TargetHealth, TargetSpec

_GRACE: Final = 1.0


@dataclass(frozen=True)
class TargetRecord:
    """One target as it was registered. `until` is when one that is being taken out has to be out."""

    kind: Literal["instance", "address", "group"]
    id: str
    until: float | None = None


@dataclass(frozen=True, kw_only=True)
class BalancerRecord(Kept):
    """One balancer: listeners and check as their specs have them, `drain` in seconds; `reason` is why it does not run."""

    address: str
    listeners: tuple[dict[str, Any], ...]
    check: dict[str, Any]
    drain: float
    targets: tuple[TargetRecord, ...] = ()
    reason: str | None = None


class Balancers:
    """The balancers of a state folder, with their processes."""

    def __init__(self, machines: Records, groups: Shelf[GroupRecord], clock: Clock) -> None:
        self.shelf = Shelf(machines.state, "balancers", "lb", _read)
        self._machines = machines
        self._groups = groups
        self._clock = clock

    def look(self, id: str, deadline: Deadline | None = None, *, wait: bool = False) -> BalancerRecord | None:
        """The balancer, after its process was told what changed, and started if it had died."""
        with self.shelf.held(id, deadline, wait=wait) as record:
            if record is None:
                return self.shelf.get(id)
            return self.settle(record)

    def settle(self, record: BalancerRecord) -> BalancerRecord:
        """Bring the balancer's process to its record, and forget targets that are out; needs its lock. What is so now."""
        folder = self.shelf.path(record.id)
        proxies.tell(folder, self.settings(record))
        fault = proxies.start(folder) if proxies.holder(folder) is None else None
        if isinstance(fault, TransientError):
            raise fault
        targets = tuple(target for target in record.targets if not self._out(record, target))
        now = replace(record, targets=targets, reason=str(fault) if fault else None)
        if now != record:
            self.shelf.write(now)
            proxies.tell(folder, self.settings(now))
        return now

    def behind(self, group: str) -> list[BalancerRecord]:
        """The balancers that have a group among their targets."""
        return [record for record in self.shelf.all() if any(target.id == group for target in record.targets)]

    def change(
        self, record: BalancerRecord, *, add: Iterable[TargetSpec] = (), drain: Iterable[TargetSpec] = ()
    ) -> BalancerRecord:
        """Add targets, or begin to take some out, and tell the process; needs the balancer's lock."""
        changed = self.with_targets(record, add)
        leaving = {spec.id for spec in drain}
        until = self._clock.now() + record.drain
        targets = [
            replace(target, until=until) if target.id in leaving and target.until is None else target
            for target in changed.targets
        ]
        changed = replace(changed, targets=tuple(targets))
        if changed != record:
            self.shelf.write(changed)
        return self.settle(changed)

    def with_targets(self, record: BalancerRecord, specs: Iterable[TargetSpec]) -> BalancerRecord:
        """The record with more targets; one that is being taken out stays after all."""
        known = {target.id: target for target in record.targets}
        known |= {spec.id: TargetRecord(_kind(spec), spec.id) for spec in specs}
        return replace(record, targets=tuple(known.values()))

    def settings(self, record: BalancerRecord) -> Settings:
        """What the balancer's process is to do."""
        targets: dict[str, Target] = {}
        for target in record.targets:
            for name, found in self._reached(target).items():
                if name not in targets or found.until is None:
                    targets[name] = found
        listeners = tuple(Listener(one["port"], one["target_port"]) for one in record.listeners)
        return Settings(0, record.address, listeners, Check(**record.check), targets)

    def quiet(self, record: BalancerRecord, target: str, until: float) -> bool:
        """Whether a target that is being taken out has no connections left, or no time."""
        if self._clock.now() >= until + _GRACE:
            return True
        folder = self.shelf.path(record.id)
        status = proxies.status(folder)
        seen = status.targets.get(target) if status and status.version == proxies.told(folder) else None
        return seen is not None and seen.state == "draining" and not seen.busy

    def health(self, record: BalancerRecord) -> list[TargetHealth]:
        """Each target and its health."""
        status = proxies.status(self.shelf.path(record.id))
        found = []
        for name, target in self.settings(record).targets.items():
            seen = status.targets.get(name) if status else None
            if target.until is not None:
                found.append(TargetHealth(name, "draining", "it is being taken out"))
            elif seen is not None and seen.state != "draining":
                found.append(TargetHealth(name, _health(seen.state), seen.reason))
            elif record.reason:
                found.append(TargetHealth(name, "unknown", record.reason))
            else:
                found.append(TargetHealth(name, "initial", "the balancer has just been told of it"))
        there = {health.target for health in found}
        lost = [target.id for target in record.targets if target.kind == "instance" and target.id not in there]
        return found + [TargetHealth(name, "unhealthy", f"there is no machine {name} any more") for name in lost]

    def balancer(self, record: BalancerRecord) -> LoadBalancer:
        """The record as a load balancer."""
        state = LoadBalancerState.ACTIVE if proxies.holder(self.shelf.path(record.id)) else LoadBalancerState.CREATING
        return LoadBalancer(
            id=record.id,
            provider=PROVIDER,
            region=REGION,
            state=LoadBalancerState.FAILED if record.reason else state,
            name=record.name or "",
            address=record.address,
            listeners=tuple(ListenerSpec.model_validate(listener) for listener in record.listeners),
            labels=record.all_labels,
            reason=record.reason,
            native=self.shelf.path(record.id),
        )

    def _reached(self, target: TargetRecord) -> dict[str, Target]:
        if target.kind == "address":
            return {target.id: Target(target.id, target.until)}
        if target.kind == "instance":
            machine = self._machines.machine(target.id)
            return {} if machine is None or machine.state.gone else {target.id: Target(machine.address, target.until)}
        group = self._groups.get(target.id)
        reached = {}
        for member in group.members if group else ():
            machine = self._machines.machine(group.machine(member)) if group else None
            if machine is not None and not machine.state.gone:
                until = member.until if target.until is None else target.until
                reached[machine.id] = Target(machine.address, until)
        return reached

    def _out(self, record: BalancerRecord, target: TargetRecord) -> bool:
        if target.until is None:
            return False
        return all(self.quiet(record, name, target.until) for name in self._reached(target))


def check_ports(address: str, listeners: Iterable[ListenerSpec]) -> None:
    """Conflict or PermissionDenied if a listener's port cannot be had."""
    for listener in listeners:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((address, listener.port))
            except PermissionError:
                raise proxies.forbidden(f"port {listener.port}") from None
            except OSError:
                raise proxies.taken(f"port {listener.port}") from None


def _kind(spec: TargetSpec) -> Literal["instance", "address", "group"]:
    return "instance" if spec.instance else "address" if spec.address else "group"


def _health(state: str) -> Literal["healthy", "unhealthy", "draining", "initial", "unknown"]:
    known: dict[str, Literal["healthy", "unhealthy", "draining", "initial"]] = {
        "healthy": "healthy",
        "unhealthy": "unhealthy",
        "draining": "draining",
        "initial": "initial",
    }
    return known.get(state, "unknown")


def _read(content: dict[str, Any]) -> BalancerRecord:
    targets = tuple(TargetRecord(**target) for target in content["targets"])
    return BalancerRecord(**content | {"targets": targets, "listeners": tuple(content["listeners"])})
