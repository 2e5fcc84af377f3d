"""How a group is kept: one pass over its members, made by whoever looks at the group, since nothing else of it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from cloudlayer.errors import CapacityError, CloudError, InvalidSpec
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.providers.local.balancers import Balancers
from cloudlayer.providers.local.compute import LocalCompute
from cloudlayer.providers.local.groups import GroupRecord, MemberRecord, candidates, revision
from cloudlayer.providers.local.host import HostFigures
from cloudlayer.providers.local.launch import launch
from cloudlayer.providers.local.shelf import Shelf
from cloudlayer.resources import Instance, InstanceSpec, InstanceState, TargetSpec

_PARTS: Final = 4
"""Of the members that a changed template replaces, this part at a time."""
_WELL: Final = (InstanceState.PENDING, InstanceState.RUNNING)


class Keeper:
    """Brings groups to what is wanted of them."""

    def __init__(
        self,
        shelf: Shelf[GroupRecord],
        compute: LocalCompute,
        balancers: Balancers,
        measure: Callable[[], HostFigures],
        clock: Clock,
    ) -> None:
        self._shelf = shelf
        self._compute = compute
        self._balancers = balancers
        self._measure = measure
        self._clock = clock

    def look(self, id: str, deadline: Deadline | None, *, wait: bool = False) -> GroupRecord | None:
        """The group after a pass; as it is where another is at it and we do not wait. None if it is not there."""
        with self._shelf.held(id, deadline, wait=wait) as record:
            if record is None:
                return self._shelf.get(id)
            return self.keep(record, deadline)

    def keep(self, record: GroupRecord, deadline: Deadline | None) -> GroupRecord | None:
        """One pass; needs the group's lock. The group as it is now, None once it is deleted."""
        faults = self._join(record, deadline)
        record = self._write(record, self._known(record))
        record = self._write(record, self._parted(record))
        self._tell(record, deadline)
        record = self._write(record, self._without_leavers(record, deadline))
        if not record.deleting:
            record = self._grown(record, faults, deadline)
        self._tell(record, deadline)
        if record.deleting and not record.members:
            self.leave(record, [balancer.id for balancer in self._balancers.behind(record.id)], deadline)
            self._shelf.remove(record)
            return None
        reason = faults[0] if faults else None
        return self._write(record, replace(record, settled=record.settled or record.complete, reason=reason))

    def _known(self, record: GroupRecord) -> GroupRecord:
        """The members with what became of their machines since the last pass."""
        now, wanted, members = self._clock.now(), revision(record.wanted), []
        for member in record.members:
            machine = self._compute.records.machine(record.machine(member))
            if machine is None:
                spent = member.made or self._compute.records.token(record.member_token(member)) is not None
                if not spent and member.revision == wanted:
                    members.append(member)
            elif machine.state in _WELL:
                members.append(replace(member, made=True))
            else:
                members.append(replace(member, made=True, until=member.until or now))
        return replace(record, members=tuple(members))

    def _parted(self, record: GroupRecord) -> GroupRecord:
        """The members with those marked that have to leave: all that are too many, or a few of an earlier template."""
        staying = record.staying
        spare = len(staying) if record.deleting else len(staying) - record.desired
        wanted = revision(record.wanted)
        old = [member for member in staying if member.revision != wanted]
        whole = len(record.members) == len(staying) == record.desired and all(member.made for member in staying)
        if whole and not record.deleting:
            spare = min(len(old), max(1, record.desired // _PARTS))
        # First those that were never made, then those of an earlier template, then the youngest.
        order = sorted(staying, key=lambda member: (member.made, member.revision == wanted, -member.number))
        doomed = {member.number for member in order[: max(0, spare)]}
        until = self._clock.now() + max((balancer.drain for balancer in self._balancers.behind(record.id)), default=0.0)
        members = [replace(member, until=until) if member.number in doomed else member for member in record.members]
        return replace(record, members=tuple(members))

    def _without_leavers(self, record: GroupRecord, deadline: Deadline | None) -> GroupRecord:
        """The group without those that were to leave and have no connections left, whose machines are deleted."""
        behind = self._balancers.behind(record.id)
        gone = set()
        for member in record.members:
            name, until = record.machine(member), member.until
            if until is not None and (not member.made or all(self._balancers.quiet(one, name, until) for one in behind)):
                gone.add(member.number)
        self._compute.delete([record.machine(member) for member in record.members if member.number in gone], deadline=deadline)
        return replace(record, members=tuple(member for member in record.members if member.number not in gone))

    def _grown(self, record: GroupRecord, faults: list[str], deadline: Deadline | None) -> GroupRecord:
        """The group with as many members as are desired, or fewer, and then `faults` has the reason."""
        lacking = max(0, record.desired - len(record.staying))
        numbers = range(record.made + 1, record.made + lacking + 1)
        wanted = revision(record.wanted)
        new = tuple(MemberRecord(number, wanted) for number in numbers)
        # They are in the record before their machines are made, so that a kill leaves none that nobody knows.
        record = self._write(record, replace(record, members=record.members + new, made=record.made + lacking))
        made = []
        for member in record.members:
            if not member.made and not faults:
                if deadline is not None:
                    deadline.check(f"making the members of {record.id}")
                fault = self._make(record, member)
                faults += [fault] if fault else []
                made += [] if fault else [member.number]
        members = [replace(member, made=True) if member.number in made else member for member in record.members]
        return self._write(record, replace(record, members=tuple(members)))

    def _make(self, record: GroupRecord, member: MemberRecord) -> str | None:
        """Why the member's machine could not be made by any of its candidates; None if it was."""
        fault: CloudError | InvalidSpec | None = None
        for spec in candidates(record.wanted):
            labelled = spec.model_copy(update={"labels": {**spec.labels, **record.all_labels}})
            answer = self._launched(labelled, record.member_token(member))
            if isinstance(answer, Instance):
                return None
            fault = answer
            if not isinstance(answer, CapacityError):
                break
        return str(fault)

    def _launched(self, spec: InstanceSpec, token: str) -> Instance | CloudError | InvalidSpec:
        host, records = self._measure(), self._compute.records
        with records.locked():
            try:
                answer = launch(records, host, [spec], token=token, digest=fingerprint([spec]), now=self._clock.now())[0]
            except (CloudError, InvalidSpec) as error:
                return error
        return answer

    def _join(self, record: GroupRecord, deadline: Deadline | None) -> list[str]:
        """See that the group is behind its balancer; what is wrong where it cannot be."""
        balancer = record.wanted.balancer
        if balancer is None or record.deleting:
            return []
        with self._balancers.shelf.held(balancer, deadline) as found:
            if found is None:
                return [f"its balancer {balancer} is not there any more: update the group"]
            if not any(target.id == record.id and target.until is None for target in found.targets):
                self._balancers.change(found, add=[TargetSpec(group=record.id)])
        return []

    def leave(self, record: GroupRecord, balancers: Iterable[str], deadline: Deadline | None) -> None:
        """Take the group from among the targets of balancers, its members draining."""
        for balancer in balancers:
            with self._balancers.shelf.held(balancer, deadline) as found:
                if found is not None:
                    self._balancers.change(found, drain=[TargetSpec(group=record.id)])

    def _tell(self, record: GroupRecord, deadline: Deadline | None) -> None:
        for balancer in self._balancers.behind(record.id):
            self._balancers.look(balancer.id, deadline, wait=True)

    def _write(self, before: GroupRecord, now: GroupRecord) -> GroupRecord:
        if now != before:
            self._shelf.write(now)
        return now
