"""Whether a machine that was bought is ready: what was set up there is up, and it has what was paid for.

A machine counts as running once it was seen to be ready. One that does not become so within READY_SECONDS, or says that it
cannot, is deleted, and what it was bought by is left out for a while.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from sqlalchemy import Connection

from cloudlayer.errors import Avoid, CloudLayerError
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.store import Event, MachineRow, MachineState, writes
from cloudlayer.interfaces import Host
from cloudlayer.resources import Instance, MachineType, Offer
from cloudlayer.runtime.bootstrap import PROBE, Report, read_report
from cloudlayer.units import MIB

READY_SECONDS: Final = 1200.0
"""How long a machine may take: GPU images put their driver in at the first start, and a slow mirror its packages."""
AVOID_SECONDS: Final = 600.0
"""For how long what such a machine was bought by is left out."""
PROBE_SECONDS: Final = 30.0
ROTATE_SECONDS: Final = 40.0
SYSTEM_MEMORY: Final = 256 * MIB
"""Bytes of what a machine reports that are left to its system and its engine."""
_OF_OTHERS: Final = re.compile(r"MI\d|V520|Radeon")
"""Models that NVIDIA's driver does not count."""
_LINES: Final = 6
_WIDTH: Final = 160
_LOG: Final = "/var/log/cloud-init-output.log"


@dataclass(frozen=True, slots=True)
class Finding:
    """How far a machine is: ready, or not yet, or never, with the `reason`.

    `address` is where it is to be reached, where the store does not know that yet; `offer` is what it was bought by, its
    figures as the machine reports them.
    """

    ready: bool = False
    failed: bool = False
    reason: str = ""
    address: str | None = None
    offer: Offer | None = None


class Readiness:
    """Looks at machines that are pending, from one thread. What is asked of a machine is asked on `executor`: its answer is
    found by a later look, so that a slow one holds up nobody."""

    def __init__(self, clouds: Clouds, executor: Executor) -> None:
        self._clouds = clouds
        self._executor = executor
        self._asked: dict[str, Future[Finding]] = {}

    def look(self, row: MachineRow, instance: Instance, now: float) -> Finding | None:
        """How far a machine is whose instance runs; None for one that is not reached by SSH, which is ready as it is."""
        access = self._clouds.provider(row.provider).access(instance)
        if access is None:
            return None
        if access.address and row.address != access.address:
            return Finding(reason="its address has just become known", address=access.address)
        host = self._clouds.host(row) if access.address else None
        if host is None or not host.connected:
            told = self._clouds.reach.reasons().get(row.id, "")
            return self.waiting(row, None, told or f"it does not answer by SSH at {access.address or 'any address yet'}", now)
        if row.id not in self._asked:
            self._asked[row.id] = self._executor.submit(self._answer, row, host, now, own=not access.host_keys)
        if not self._asked[row.id].done():
            return Finding(reason="it is being looked at")
        return self._asked.pop(row.id).result()

    def _answer(self, row: MachineRow, host: Host, now: float, *, own: bool) -> Finding:
        try:
            return self._examined(row, host, now, own=own)
        except CloudLayerError as error:
            return self.waiting(row, host if host.connected else None, str(error), now)

    def _examined(self, row: MachineRow, host: Host, now: float, *, own: bool) -> Finding:
        text = host.run(["sh", "-s"], input=PROBE.encode(), root=True, deadline=self._clouds.deadline(PROBE_SECONDS))
        report = read_report(text.decode("utf-8", "replace"))
        if report.failed:
            return Finding(failed=True, reason=self._told(row, host, report.failed))
        if lack := lacking(report, row.offer.machine_type):
            return self.waiting(row, host, lack, now)
        if own:
            self._clouds.reach.renew_host_key(row, self._clouds.deadline(ROTATE_SECONDS))
        offer = corrected(row.offer, report)
        if offer == row.offer:
            return Finding(ready=True)
        self._clouds.learn(offer)
        return Finding(ready=True, offer=offer)

    def waiting(self, row: MachineRow, host: Host | None, reason: str, now: float) -> Finding:
        """That a machine is not ready, and why; once its time is up, that it never will be. `host` can be asked for its log."""
        if now - row.created_at < READY_SECONDS:
            return Finding(reason=reason)
        return Finding(failed=True, reason=self._told(row, host, f"not ready within {READY_SECONDS / 60:.0f} min: {reason}"))

    def _told(self, row: MachineRow, host: Host | None, reason: str) -> str:
        """The reason with the last lines of what the machine wrote: cloud-init's log by SSH, else its console by the cloud."""
        text = ""
        with suppress(CloudLayerError):
            if host is not None:
                command = ["tail", "-n", str(_LINES), _LOG]
                text = host.run(command, root=True, deadline=self._clouds.deadline(PROBE_SECONDS)).decode(errors="replace")
            elif row.instance is not None and self._clouds.provider(row.provider).capabilities["console_log"]:
                compute = self._clouds.provider(row.provider).compute
                text = compute.console_log(row.instance, deadline=self._clouds.deadline())
        lines = [" ".join(line.split())[:_WIDTH] for line in text.splitlines() if line.strip()][-_LINES:]
        return f"{reason}; the last that it wrote: {' | '.join(lines)}" if lines else reason


def lacking(report: Report, kind: MachineType) -> str:
    """What a machine of the type lacks to be ready; empty if it lacks nothing."""
    wanted = sum(_OF_OTHERS.match(device.model) is None for device in kind.accelerators)
    if report.setting_up:
        return "cloud-init is still setting it up"
    if report.docker is None:
        return "its Docker Engine does not answer"
    # There may be more: an inventory names those that are to be used.
    if len(report.gpus) < wanted:
        return f"nvidia-smi counts {len(report.gpus)} GPUs there, and {wanted} were bought"
    if wanted and not report.gpu_runtime:
        return "its Docker Engine has no NVIDIA runtime"
    return ""


def corrected(offer: Offer, report: Report) -> Offer:
    """The offer with what its machine can really give, where that is less than was planned with."""
    kind = offer.machine_type
    memory = kind.usable_memory if report.memory is None else min(kind.usable_memory, report.memory - SYSTEM_MEMORY)
    cores = kind.usable_cpu if report.cores is None else min(kind.usable_cpu, float(report.cores))
    if (memory, cores) == (kind.usable_memory, kind.usable_cpu):
        return offer
    return replace(offer, machine_type=replace(kind, allocatable_memory=memory, allocatable_cpu=cores))


def settled(row: MachineRow, finding: Finding, now: float) -> Iterator[Callable[[Connection], object]]:
    """The writes for a machine that is pending, by what was found; none where there is only to be waited."""
    change = partial(writes.change_machine, row=row, now=now)
    if finding.ready:
        address, offer = finding.address or row.address, finding.offer or row.offer
        yield partial(change, state=MachineState.RUNNING, address=address, offer=offer)
        yield _event(row, now, "machine running", f"{row.provider} {row.instance}")
    elif finding.failed:
        offer = row.offer
        avoid = Avoid(AVOID_SECONDS, offer.provider, offer.region, offer.zone, offer.machine_type.name, offer.purchase)
        yield partial(change, state=MachineState.DELETING, reason=finding.reason)
        yield partial(writes.add_avoid, fleet=row.fleet, now=now, avoid=avoid, reason=finding.reason)
        yield _event(row, now, "machine not ready", finding.reason)
    elif finding.address is not None:
        yield partial(change, address=finding.address)


def _event(row: MachineRow, now: float, kind: str, message: str) -> Callable[[Connection], object]:
    return partial(writes.add_event, event=Event(0, row.fleet, now, kind, row.id, message))
