"""How the specs of one token come to machines: what it claimed before is adopted, and for the rest free machines are claimed.

A claim is written down here before it is made there, so whoever comes next with the token goes on with the same machine. Where
that cannot be reached any more, another is taken, and the first claim is a twin: its labels and token lead to its deletion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from cloudlayer.errors import (
    TOKEN_SPENT,
    Avoid,
    AvoidScope,
    CapacityError,
    CloudError,
    Conflict,
    RejectedSpec,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.attempts import derive
from cloudlayer.providers.base.selection import fits
from cloudlayer.providers.ssh.facts import Claim, machine_type
from cloudlayer.providers.ssh.records import PROVIDER, ClaimRecord, ClaimState
from cloudlayer.providers.ssh.site import LOOK_EVERY, Sight, Site
from cloudlayer.resources import InstanceSpec

AVOID_SECONDS: Final = 30.0
_LONGEST_AVOID: Final = 60.0
"""Seconds. Longer ones would hold where a person has mended the machine and removed the note that keeps it from being tried."""
GIVEN_UP_AFTER: Final = 30.0
"""Seconds after which a claim is made elsewhere, if the machine that it was begun on cannot be reached."""


class Claiming:
    """One create; the token is held meanwhile."""

    def __init__(self, site: Site, region: str, token: str, digest: str, clock: Clock) -> None:
        self._site = site
        self._region = region
        self._token = token
        self._digest = digest
        self._clock = clock
        self._broken: dict[str, CloudError] = {}

    def run(self, specs: Sequence[InstanceSpec], deadline: Deadline) -> list[ClaimRecord | CloudError]:
        """The claim for each spec, or why there is none. Raises what concerns the whole call."""
        seen = self._site.look(deadline, fresh=LOOK_EVERY)
        self._broken = {name: error for name in seen if (error := self._resting(name)) is not None}
        known = self._known()
        if not self._suffices(seen, specs, known):
            seen = self._site.look(deadline)
        fitting = [self._fitting(spec, seen) for spec in specs]
        answers: list[ClaimRecord | CloudError] = []
        taken: set[str] = {record.machine for record in known.values() if not record.ended}
        for index, (spec, sights) in enumerate(zip(specs, fitting, strict=True)):
            answer = self._adopted(known.get(index), seen, deadline) or self._claimed(spec, index, sights, taken, deadline)
            if isinstance(answer, ClaimRecord):
                taken.add(answer.machine)
            answers.append(answer)
        return answers

    def _resting(self, machine: str) -> CloudError | None:
        """Why a machine is not even asked now: its claims failed, which a person must mend."""
        found = self._site.records.breakdown(machine)
        if found is None or found.until <= self._clock.now():
            return None
        return UnknownCloudError(str(found), provider=PROVIDER, code="Failed")

    def _known(self) -> dict[int, ClaimRecord]:
        """What the token claimed before. Conflict if that was for other specs, or all of it was given back."""
        mine = [record for record in self._site.records.claims() if record.claim.token == self._token and not record.twin]
        if any(record.claim.digest != self._digest for record in mine):
            raise Conflict("this token was used for other specs: use a new one", provider=PROVIDER, code="TokenReused")
        if mine and all(record.ended for record in mine):
            raise Conflict("what this token claimed was given back: use a new one", provider=PROVIDER, code=TOKEN_SPENT)
        known: dict[int, ClaimRecord] = {}
        for record in mine:
            known.setdefault(record.claim.index, record)
        return known

    def _suffices(self, seen: Mapping[str, Sight], specs: Sequence[InstanceSpec], known: Mapping[int, ClaimRecord]) -> bool:
        """Whether what was seen a while ago shows room for all, so that no machine that is dead need be waited for."""
        new = [spec for index, spec in enumerate(specs) if index not in known]
        begun = [seen.get(record.machine) for record in known.values() if record.state is ClaimState.MAKING]
        room = all(any(sight.free and _allows(spec, sight) for sight in seen.values()) for spec in new)
        return room and all(sight is None or sight.error is None for sight in begun)

    def _fitting(self, spec: InstanceSpec, seen: Mapping[str, Sight]) -> list[Sight]:
        """The machines that the spec allows, cheapest and smallest first. RejectedSpec if there are none."""
        found = [sight for sight in seen.values() if _allows(spec, sight)]
        named = seen.get(spec.machine_type or "")
        if not found and named is not None and named.facts is None and named.error is not None:
            raise named.error
        if not found:
            what = f"{spec.machine_type or 'what is asked for'}" + (f" in zone {spec.zone}" if spec.zone else "")
            there = ", ".join(f"{name} in {sight.box.zone}" for name, sight in seen.items())
            raise RejectedSpec(
                f"no machine is {what}: there are {there}; see the offers", provider=PROVIDER, code="NoSuchMachine"
            )
        return sorted(found, key=_rank)

    def _adopted(self, record: ClaimRecord | None, seen: Mapping[str, Sight], deadline: Deadline) -> ClaimRecord | None:
        """The claim of an earlier call, brought to its end; None if there is none, or another has the machine.

        A machine that was just lost may be back soon: until then it raises why that cannot be reached.
        """
        if record is None or record.state is not ClaimState.MAKING:
            return record
        sight = seen.get(record.machine)
        if sight is not None and sight.error is not None and self._clock.now() - record.at < GIVEN_UP_AFTER:
            raise sight.error
        if sight is None or sight.error is not None:
            self._site.records.write(replace(record, twin=True))
            return None
        return self._made(sight, record, deadline)

    def _claimed(
        self, spec: InstanceSpec, index: int, sights: Sequence[Sight], taken: set[str], deadline: Deadline
    ) -> ClaimRecord | CloudError:
        for sight in sights:
            if not sight.free or sight.box.name in taken or sight.box.name in self._broken:
                continue
            now = self._clock.now()
            claim = Claim(
                id=claim_id(sight.box.name, self._token, index),
                token=self._token,
                digest=self._digest,
                index=index,
                labels=dict(spec.labels),
                created_at=now,
                name=spec.name,
            )
            known = self._site.records.claim(claim.id)
            if known is not None and known.twin:
                continue
            record = ClaimRecord(sight.box.name, sight.box.zone, claim, ClaimState.MAKING, now)
            made = self._made(sight, record, deadline)
            if made is not None:
                return made
            taken.add(sight.box.name)
        return self._nothing_free(spec, sights)

    def _made(self, sight: Sight, record: ClaimRecord, deadline: Deadline) -> ClaimRecord | None:
        """Claim the machine; None if another has it, or it cannot be claimed and another is to be tried."""
        deadline.check(f"claiming {record.machine}")
        self._site.records.write(record)
        try:
            there = self._site.claim(sight.box, record.claim, deadline)
        except TransientError:
            raise  # it may have taken effect
        except CloudError as error:
            self._site.records.forget(record.claim.id)
            self._site.records.broke(record.machine, error.message, self._clock.now())
            self._broken[record.machine] = error
            return None
        if there.id != record.claim.id:
            self._site.records.forget(record.claim.id)
            return None
        made = replace(record, claim=there, state=ClaimState.MADE, at=self._clock.now())
        self._site.records.write(made)
        self._site.records.mended(record.machine)
        return made

    def _nothing_free(self, spec: InstanceSpec, sights: Sequence[Sight]) -> CapacityError:
        """Why no machine is left. Raises that we may not claim, where that holds for all of them."""
        broken = [self._broken[sight.box.name] for sight in sights if sight.box.name in self._broken]
        refusals = [error for error in broken if not isinstance(error, UnknownCloudError)]
        if refusals and len(broken) == len(sights):
            raise refusals[0]
        named, seconds = spec.machine_type, self._pause([sight.box.name for sight in sights])
        return CapacityError(
            f"no machine that fits is free: {', '.join(map(self._not_free, sights))}; give one back, mend one, or add one to "
            "the inventory",
            scope=AvoidScope.MACHINE_TYPE if named else AvoidScope.REGION,
            provider=PROVIDER,
            code="NoneFree",
            avoid=Avoid(seconds, PROVIDER, self._region, spec.zone, named),
        )

    def _pause(self, machines: Sequence[str]) -> float:
        """Seconds until it is worth asking again: until the first of those that failed is tried again, a minute at most."""
        found = [self._site.records.breakdown(name) for name in machines if name in self._broken]
        waits = [breakdown.until - self._clock.now() for breakdown in found if breakdown is not None]
        return min(max(AVOID_SECONDS, min(waits, default=0.0)), _LONGEST_AVOID)

    def _not_free(self, sight: Sight) -> str:
        name = sight.box.name
        if name in self._broken:
            breakdown = self._site.records.breakdown(name)
            return f"{name} ({breakdown or self._broken[name].message})"
        if sight.error is not None:
            return f"{name} (cannot be reached)"
        return f"{name} ({sight.lack})" if sight.claim is None and sight.lack else f"{name} (claimed)"


def claim_id(machine: str, token: str, index: int) -> str:
    """The id of the claim on a machine that a token makes for its spec of that index."""
    return f"{machine}-{derive(token, 'claim', index).replace('-', '')[:10]}"


def _allows(spec: InstanceSpec, sight: Sight) -> bool:
    if sight.facts is None or spec.machine_type not in (None, sight.box.name) or spec.zone not in (None, sight.box.zone):
        return False
    kind = machine_type(sight.box, sight.facts)
    return fits(spec.model_copy(update={"architecture": spec.architecture or kind.architecture}), kind)


def _rank(sight: Sight) -> tuple[float, int, float, int, str]:
    kind = machine_type(sight.box, sight.facts) if sight.facts else None
    figures = (len(kind.accelerators), kind.cpu, kind.memory) if kind else (0, 0.0, 0)
    return (sight.box.price.amount, *figures, sight.box.name)
