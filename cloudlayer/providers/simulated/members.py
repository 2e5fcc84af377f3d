"""What a scaling group does of itself as time passes: it launches, replaces and ends its members, one look after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cloudlayer.errors import RejectedSpec
from cloudlayer.labels import TOKEN
from cloudlayer.providers.simulated import catalogue, cloud, limits, pieces, policies, views
from cloudlayer.providers.simulated.catalogue import REGIONS
from cloudlayer.resources import Instance, InstanceSpec, InstanceState, Offer, ScalingGroupSpec, ScalingGroupState
from cloudlayer.runtime.simulated.records import Document, InstanceRecord, course, state_of
from cloudlayer.runtime.simulated.things import GroupRecord

FIRST_RETRY_SECONDS: Final = 10.0
LONGEST_RETRY_SECONDS: Final = 300.0
_KEPT: Final = (InstanceState.PENDING, InstanceState.RUNNING)


def pass_time(document: Document, now: float) -> None:
    """Let all groups do what they had to do until now, in the order of the moments at which they had to."""
    while True:
        due = [(group["next_at"], group["id"]) for group in document["groups"].values() if group["next_at"] is not None]
        moment, first = min(due, default=(now + 1, ""))
        if moment > now:
            return
        Look(document, moment, document["groups"][first]).act()


def check(document: Document, region: str, spec: ScalingGroupSpec) -> None:
    """Raise RejectedSpec if nothing on sale in the group's zones fits its template, or its image is none."""
    found = list(_choices(document, region, spec, spec.zones or REGIONS[region]))
    if not found:
        catalogue.candidates([], spec.template)  # raises, with what was wished for
    for wish, offers in found:
        cloud.check_image(wish, offers[0])


def labels(group: GroupRecord, spec: ScalingGroupSpec) -> dict[str, str]:
    """What a member carries: the group's labels and the template's, and the token."""
    return {**spec.template.labels, **group["labels"], TOKEN: group["token"]}


@dataclass
class Look:
    """One look at a group, at a moment, and what it does about what it sees."""

    document: Document
    now: float
    group: GroupRecord

    def act(self) -> None:
        """Bring the group a step nearer to what it should be, and say when it looks again."""
        if views.gone(self.group, self.now):
            self.group["next_at"] = None
            return
        spec = ScalingGroupSpec.model_validate(self.group["spec"])
        policies.apply(self.group, spec, self.now)
        self._drop_lost()
        while self._changes(spec):
            pass
        self._report(spec)

    def _drop_lost(self) -> None:
        """Forget the members that are gone, and end those that stopped or never came up."""
        for record in self._members():
            state = state_of(record, self.now)
            if state in _KEPT:
                continue
            if not state.gone:
                cloud.end(record, self.document, self.now, "its group replaces it")
            if state is InstanceState.FAILED:
                self._wait(f"{record['id']}: {cloud.FAILED_BOOT}")
            self.group["members"].pop(record["id"])

    def _changes(self, spec: ScalingGroupSpec) -> bool:
        """Launch or end one member if that is due; whether it did."""
        group, old = self.group, self._outdated(spec)
        spare = 1 if old and group["desired"] < group["max"] else 0
        surplus = len(group["members"]) - group["desired"] - spare
        if surplus < 0:
            return self._launch(spec)
        if surplus > 0:
            return self._end(self._members(), old)
        return bool(old) and self._all_run() and self._end(old, old)

    def _launch(self, spec: ScalingGroupSpec) -> bool:
        if self.now < self.group["retry_at"]:
            return False
        reason = "nothing on sale fits"
        for wish, offers in _choices(self.document, self.group["region"], spec, self._by_need(spec)):
            named = wish.model_copy(update={"labels": labels(self.group, spec), "name": self._name()})
            token, firewall = self.group["token"], self._firewall()
            answer = cloud.launch_one(self.document, self.now, named, offers, token=token, firewall=firewall)
            if isinstance(answer, Instance):
                self.document["instances"][answer.id]["group"] = self.group["id"]
                self.group["members"][answer.id] = self.group["version"]
                self.group["lack"] = None
                return True
            reason = answer.message
        self._wait(reason)
        return False

    def _end(self, choice: Sequence[InstanceRecord], old: Sequence[InstanceRecord]) -> bool:
        """End one of these: an outdated one first, then of the fullest zone, one that does not run yet, the youngest."""
        zones = Counter(record["zone"] for record in self._members())
        dated = {record["id"] for record in old}

        def rank(record: InstanceRecord) -> tuple[bool, int, bool, str]:
            pending = state_of(record, self.now) is InstanceState.PENDING
            return record["id"] in dated, zones[record["zone"]], pending, record["id"]

        chosen = max(choice, key=rank)
        cloud.end(chosen, self.document, self.now, "its group has no more use for it")
        self.group["members"].pop(chosen["id"])
        return True

    def _report(self, spec: ScalingGroupSpec) -> None:
        group, old = self.group, self._outdated(spec)
        was = views.current(group, self.now)
        settled = not old and len(group["members"]) == group["desired"] and self._all_run()
        if settled:
            group["lack"], group["failures"] = None, 0
        active, reason = ScalingGroupState.ACTIVE, group["lack"] or (f"{len(old)} of an older template" if old else None)
        begun = any(change["state"] == active for change in group["timeline"])
        state = active if settled else ScalingGroupState.UPDATING if begun else ScalingGroupState.CREATING
        if (was["state"], was["reason"]) != (state, reason):
            course(group, self.document, self.now, (0.0, state, reason))
        group["next_at"] = min(self._moments(spec), default=None)

    def _moments(self, spec: ScalingGroupSpec) -> Iterator[float]:
        ahead = [change["at"] for record in self._members() for change in record["timeline"]]
        ahead += [self.group["retry_at"], *policies.next_at(self.group, spec, self.now)]
        return (moment for moment in ahead if self.now < moment < float("inf"))

    def _members(self) -> list[InstanceRecord]:
        return [self.document["instances"][member] for member in self.group["members"]]

    def _outdated(self, spec: ScalingGroupSpec) -> list[InstanceRecord]:
        """The members of another template, or in a zone that is none of the group's any more."""
        members, zones = self.group["members"], spec.zones or REGIONS[self.group["region"]]
        return [each for each in self._members() if members[each["id"]] != self.group["version"] or each["zone"] not in zones]

    def _all_run(self) -> bool:
        return all(state_of(record, self.now) is InstanceState.RUNNING for record in self._members())

    def _by_need(self, spec: ScalingGroupSpec) -> list[str]:
        """The group's zones, the emptiest first."""
        held = Counter(record["zone"] for record in self._members())
        return sorted(spec.zones or REGIONS[self.group["region"]], key=lambda zone: held[zone])

    def _wait(self, reason: str) -> None:
        """Try again later, and the later the oftener it failed."""
        pause = min(FIRST_RETRY_SECONDS * 2 ** self.group["failures"], LONGEST_RETRY_SECONDS)
        self.group["lack"], self.group["failures"] = reason, self.group["failures"] + 1
        self.group["retry_at"] = self.now + pause

    def _name(self) -> str:
        return f"{self.group['name']}-{self.document['serial'] + 1}"

    def _firewall(self) -> str | None:
        return next((piece for piece in self.group["pieces"] if pieces.kind_of(piece) == "firewall"), None)


def _choices(
    document: Document, region: str, spec: ScalingGroupSpec, zones: Sequence[str]
) -> Iterator[tuple[InstanceSpec, list[Offer]]]:
    """The template for each zone and each machine type that can be bought there, with its offers."""
    offers = limits.on_sale(document, region)
    for zone in zones:
        for machine_type in (spec.template.machine_type, *spec.machine_types):
            wish = spec.template.model_copy(update={"zone": zone, "machine_type": machine_type})
            try:
                yield wish, catalogue.candidates(offers, wish)
            except RejectedSpec:
                continue
