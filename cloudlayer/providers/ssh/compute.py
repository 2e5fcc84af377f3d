"""Compute over machines that exist already: to create is to claim one, to delete is to clean it and give it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from cloudlayer.errors import CloudError, NotFound, TransientError
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.labels import TOKEN
from cloudlayer.providers.base.attempts import checked_token, fingerprint
from cloudlayer.providers.base.capabilities import require_plain
from cloudlayer.providers.base.compute import BaseCompute
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.ssh.claiming import Claiming
from cloudlayer.providers.ssh.facts import machine_type
from cloudlayer.providers.ssh.records import PROVIDER, ClaimRecord, ClaimState
from cloudlayer.providers.ssh.site import LOOK_EVERY, Sight, Site
from cloudlayer.resources import Instance, InstanceSpec, InstanceState, Offer

_AT_ONCE: Final = 16
_STATES: Final = {
    ClaimState.MAKING: InstanceState.PENDING,
    ClaimState.MADE: InstanceState.RUNNING,
    ClaimState.ENDED: InstanceState.DELETED,
}


class SshCompute(BaseCompute):
    """The machines of one inventory, whoever claims them.

    Once they were looked at, `offers`, `get` and `list` answer from what is known here, and never wait for a machine that is
    cut off; what others claim and release is seen within a minute.
    """

    poll = 0.1

    def __init__(self, capabilities: Capabilities, region: str, site: Site, *, clock: Clock | None = None) -> None:
        super().__init__(capabilities, region, clock=clock)
        self._site = site
        self._retries = Retries(clock=self.clock)

    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Each machine that is known, which can be had once, unless it is claimed, is cut off, or lacks what replicas need."""
        return [
            Offer(
                PROVIDER,
                self.region,
                sight.box.zone,
                machine_type(sight.box, sight.facts),
                "on_demand",
                sight.box.price,
                available=int(sight.free),
            )
            for sight in self._site.glance(deadline).values()
            if sight.facts is not None
        ]

    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """Claim a machine for each spec; idempotent by token. The machine itself decides between two that claim it."""
        token = checked_token(token)
        require_plain(specs, self.capabilities)
        if not specs:
            return []
        bound = self._retries.deadline(deadline)
        bound.check("claiming machines")
        with self._site.records.held(token, bound):
            claiming = Claiming(self._site, self.region, token, fingerprint(specs), self.clock)
            answers = claiming.run(specs, bound)
        return [answer if isinstance(answer, CloudError) else self._instance(answer) for answer in answers]

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The claim as it is known. TransientError for an unknown one that may lie on a machine which cannot be reached."""
        seen = self._site.glance(deadline)
        record = self._site.records.claim(id)
        if record is not None:
            return self._instance(record)
        self._refuse_to_guess(id, seen)
        raise NotFound(f"no machine of {self.region} is claimed as {id}", provider=PROVIDER, code="NoSuchClaim")

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Clean the machines and give them back. TransientError for one that cannot be reached: it stays claimed until then."""
        doomed = list(dict.fromkeys(ids))
        if not doomed:
            return
        bound = self._retries.deadline(deadline)
        with ThreadPoolExecutor(min(_AT_ONCE, len(doomed))) as threads:
            ends = [threads.submit(self._delete, one, bound) for one in doomed]
        for end in ends:
            end.result()

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every claim that carries all of `labels`, those on machines that cannot be reached as they were last known."""
        self._site.glance(deadline)
        wanted = (labels or {}).items()
        found = (self._instance(record) for record in self._site.records.claims() if not record.ended)
        return [instance for instance in found if wanted <= instance.labels.items()]

    def _delete(self, id: str, deadline: Deadline) -> None:
        record = self._site.records.claim(id)
        if record is None:
            self._refuse_to_guess(id, self._site.look(deadline, fresh=LOOK_EVERY))
            record = self._site.records.claim(id)
        if record is None or record.ended:
            return
        try:
            box = self._site.box(record.machine)
        except NotFound as error:
            raise TransientError(error.message, provider=PROVIDER, code=error.code) from None
        self._site.release(box, record.claim, deadline)
        self._site.records.write(replace(record, state=ClaimState.ENDED, at=self.clock.now()))

    def _refuse_to_guess(self, id: str, seen: Mapping[str, Sight]) -> None:
        sight = seen.get(id.rpartition("-")[0])
        if sight is not None and sight.error is not None and self._site.records.claim(id) is None:
            raise sight.error

    def _instance(self, record: ClaimRecord) -> Instance:
        claim, box = record.claim, self._site.boxes().get(record.machine)
        return Instance(
            id=claim.id,
            provider=PROVIDER,
            region=self.region,
            zone=record.zone,
            state=_STATES[record.state],
            machine_type=record.machine,
            name=claim.name,
            labels={**(box.labels if box else {}), **claim.labels, TOKEN: claim.token},
            private_address=box.access.address if box else None,
            created_at=datetime.fromtimestamp(claim.created_at, UTC),
            reason=None if record.ended else self._reason(record),
        )

    def _reason(self, record: ClaimRecord) -> str | None:
        """Why it may be otherwise than is said of it."""
        if record.machine not in self._site.boxes():
            return f"{self.region} has it no more: put it back until it is given back"
        if record.twin:
            return "its token has another machine by now: delete it"
        sight = self._site.last().get(record.machine)
        if sight is None or sight.error is None:
            return (sight.lack or None) if sight else None
        return f"not seen at {datetime.fromtimestamp(sight.at, UTC):%H:%M:%S} UTC: {sight.error.message}"
