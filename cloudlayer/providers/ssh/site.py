"""The machines of an inventory, as they are: looked at all at once, claimed and given back one by one."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Final

from cloudlayer.errors import (
    AuthError,
    CloudError,
    CloudLayerError,
    EngineError,
    NotFound,
    PermissionDenied,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.labels import OWNER
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.ssh import scripts
from cloudlayer.providers.ssh.facts import Claim, Facts, claim_in, lacks, understood
from cloudlayer.providers.ssh.inventory import Box, InventoryFile
from cloudlayer.providers.ssh.records import PROVIDER, ClaimRecord, ClaimState, Records
from cloudlayer.runtime.hosts.once import run_once
from cloudlayer.runtime.hosts.refusals import HostKeyRefused, KeyRefused

LOOK_EVERY: Final = 60.0
"""Seconds after which what was seen is looked at anew, in the background."""
AGAIN_AFTER: Final = 10.0
"""The same while a machine cannot be reached."""
LOOK_SECONDS: Final = 20.0
"""How long a machine gets to tell of itself."""
_AT_ONCE: Final = 16
_FACTS_KEPT: Final = 3600.0
_MAKING_SECONDS: Final = 120.0
"""How long a claim may be on its way to the machine."""
_POLL: Final = 0.1


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a machine `at` that time. With an `error` it could not be asked: `facts` are what it last told, and
    what `claim` says is what is known from here."""

    box: Box
    at: float
    facts: Facts | None = None
    claim: Claim | None = None
    error: CloudError | None = None

    @property
    def lack(self) -> str:
        """What replicas need and the machine lacks, with its mend; empty if it lacks nothing, as far as is known."""
        return "; ".join(lacks(self.box, self.facts)) if self.facts else ""

    @property
    def free(self) -> bool:
        """Whether it can be claimed and is of use, as far as is known."""
        return self.error is None and self.claim is None and not self.lack


class Site:
    """Thread-safe."""

    def __init__(self, file: InventoryFile, records: Records, clock: Clock) -> None:
        self.records = records
        self._file = file
        self._clock = clock
        self._retries = Retries(attempts=2, first=0.2, longest=2.0, clock=clock)
        self._sights: Mapping[str, Sight] | None = None
        self._at = 0.0
        self._looking = threading.Lock()
        self._noting = threading.Lock()

    def boxes(self) -> Mapping[str, Box]:
        """The machines of the inventory, by name."""
        return self._file.boxes()

    def box(self, name: str) -> Box:
        """One of them; NotFound, with the mend, for one that the inventory has no more."""
        box = self.boxes().get(name)
        if box is None:
            message = f"{self._file.path} has no machine {name} any more: put it back until it is given back"
            raise NotFound(message, provider=PROVIDER, code="NotInInventory")
        return box

    def look(self, deadline: Deadline | None = None, *, fresh: float = 0.0) -> Mapping[str, Sight]:
        """Every machine as it is, or as it was seen at most `fresh` seconds ago.

        Where none at all can be asked, the error of one is raised, a refused key's first.
        """
        boxes, asked, bound = self.boxes(), self._clock.monotonic(), self._retries.deadline(deadline)
        known = self._since(asked, fresh, boxes)
        if known is None:
            while not self._looking.acquire(timeout=_POLL):
                bound.check("waiting for another look at the machines")
            try:
                # A look that began while this one waited for another is as good as an own one.
                known = self._since(asked, fresh, boxes) or self._looked(boxes, bound)
            finally:
                self._looking.release()
        if not _any_answers(known):
            errors = [sight.error for sight in known.values() if sight.error is not None]
            raise min(errors, key=lambda error: isinstance(error, TransientError))
        return known

    def _since(self, asked: float, fresh: float, boxes: Mapping[str, Box]) -> Mapping[str, Sight] | None:
        """What was seen of these machines at most `fresh` seconds before; where none answered, only what was seen since."""
        with self._noting:
            known, at = self._sights, self._at
        if known is None or known.keys() != boxes.keys():
            return None
        return known if at >= asked - (fresh if _any_answers(known) else 0.0) else None

    def glance(self, deadline: Deadline | None = None) -> Mapping[str, Sight]:
        """Every machine as it was last seen. What was seen long ago is looked at anew, without waiting for it.

        Where none at all could be asked and nothing is known from here, they are looked at now, and the error of one is raised.
        """
        if self._sights is None:
            with suppress(CloudError):
                return self.look(deadline, fresh=LOOK_EVERY)
        known = self.last()
        if not _any_answers(known) and not self.records.claims():
            return self.look(deadline)
        again = AGAIN_AFTER if any(sight.error is not None for sight in known.values()) else LOOK_EVERY
        due = self._clock.monotonic() - self._at >= again or known.keys() != self.boxes().keys()
        if due and not self._looking.locked():
            threading.Thread(target=self._look_quietly, args=(again,), name="inventory", daemon=True).start()
        return known

    def last(self) -> Mapping[str, Sight]:
        """Every machine as it was last seen by this process, which may not have looked yet."""
        return self._sights or {}

    def claim(self, box: Box, claim: Claim, deadline: Deadline) -> Claim:
        """Claim a machine; gives the claim that then lies on it, which may be another's.

        TransientError where it may have taken effect; any other error is this machine's, and nothing lies there.
        """
        content = base64.b64encode(json.dumps(asdict(claim), sort_keys=True).encode()).decode()
        output = self._run(box, scripts.CLAIM, [content], deadline, doing="claiming")
        try:
            there = claim_in(output, box.name)
        except EngineError as error:
            raise _said(error) from error
        if there is None:
            raise TransientError(f"{box.name} was given back while it was being claimed", provider=PROVIDER, code="Busy")
        self._saw(replace(self._sight(box), claim=there, error=None))
        return there

    def release(self, box: Box, claim: Claim, deadline: Deadline) -> None:
        """End all that runs there for this claim, remove what is left of it, and then the claim. Of another claim nothing."""
        try:
            self._run(box, scripts.RELEASE, [claim.id, claim.labels.get(OWNER, "")], deadline, doing="cleaning")
        except UnknownCloudError as error:
            # It goes on where it ended: once its containers have died, or its owner has mended it.
            raise TransientError(error.message, provider=PROVIDER, code=error.code) from error
        self._saw(replace(self._sight(box), claim=None, error=None))

    def _looked(self, boxes: Mapping[str, Box], deadline: Deadline) -> Mapping[str, Sight]:
        began = self._clock.monotonic()
        with ThreadPoolExecutor(min(_AT_ONCE, len(boxes))) as threads:
            sights = list(threads.map(lambda box: self._survey(box, deadline), boxes.values()))
        with self._noting:
            known = self._sights or {}
            # What was done to a machine meanwhile is newer than what it told.
            newest = [max(sight, known.get(sight.box.name, sight), key=lambda one: one.at) for sight in sights]
            self._sights, self._at = {sight.box.name: sight for sight in newest}, began
        for sight in sights:
            self._note(sight)
        return self._sights

    def _look_quietly(self, fresh: float) -> None:
        # What is wrong is told to whoever asks next.
        with suppress(CloudLayerError):
            self.look(fresh=fresh)

    def _survey(self, box: Box, deadline: Deadline) -> Sight:
        at = self._clock.now()
        try:
            output = self._once(box, scripts.SURVEY, [], _at_most(deadline, LOOK_SECONDS, self._clock), root=False)
            facts, claim = understood(output, box.name, at)
        except CloudLayerError as error:
            return Sight(box, at, self.records.facts(box.name), error=_said(error))
        kept = self.records.facts(box.name)
        if kept is None or at - kept.at > _FACTS_KEPT or replace(kept, at=at, disk=facts.disk) != facts:
            self.records.keep(box.name, facts)
        return Sight(box, at, facts, claim)

    def _note(self, sight: Sight) -> None:
        """Keep the claim that was seen, and that others which were here are no more."""
        if sight.error is not None:
            return
        name, claim = sight.box.name, sight.claim
        for record in self.records.claims():
            settled = record.at + (_MAKING_SECONDS if record.state is ClaimState.MAKING else 0.0) < sight.at
            if record.machine == name and not record.ended and settled and (claim is None or claim.id != record.claim.id):
                self.records.write(replace(record, state=ClaimState.ENDED, at=sight.at))
        if claim is None:
            return
        known = self.records.claim(claim.id) or ClaimRecord(name, sight.box.zone, claim, ClaimState.MAKING, 0.0)
        if known.state is not ClaimState.MADE and known.at < sight.at:
            self.records.write(replace(known, state=ClaimState.MADE, at=sight.at))

    def _saw(self, sight: Sight) -> None:
        with self._noting:
            if self._sights is not None:
                self._sights = {**self._sights, sight.box.name: replace(sight, at=self._clock.now())}

    def _sight(self, box: Box) -> Sight:
        return self.last().get(box.name) or Sight(box, 0.0)

    def _run(self, box: Box, script: str, arguments: list[str], deadline: Deadline, *, doing: str) -> bytes:
        def once() -> bytes:
            try:
                return self._once(box, script, arguments, deadline, root=True)
            except CloudLayerError as error:
                said = _said(error)
                self._saw(replace(self._sight(box), error=said))
                raise said from error

        return self._retries.run(once, doing=f"{doing} {box.name}", deadline=deadline)

    def _once(self, box: Box, script: str, arguments: list[str], deadline: Deadline, *, root: bool) -> bytes:
        command = ["sh", "-s", "--", *arguments]
        return run_once(box.access, box.name, command, input=script.encode(), root=root, deadline=deadline)


def _any_answers(sights: Mapping[str, Sight]) -> bool:
    return any(sight.error is None for sight in sights.values())


def _at_most(deadline: Deadline, seconds: float, clock: Clock) -> Deadline:
    return Deadline(clock.monotonic() + min(seconds, max(0.0, deadline.remaining())), clock, deadline.cancelled)


def _said(error: CloudLayerError) -> CloudError:
    """An error of a connection or a script, as this provider's."""
    if isinstance(error, CloudError):
        error.provider = PROVIDER
        return error
    if isinstance(error, HostKeyRefused):
        return AuthError(str(error), provider=PROVIDER, code="HostKeyRefused")
    if isinstance(error, KeyRefused):
        return AuthError(str(error), provider=PROVIDER, code="KeyRefused")
    if isinstance(error, EngineError) and "without a password" in str(error):
        return PermissionDenied(str(error), provider=PROVIDER, code="NoRoot")
    return UnknownCloudError(str(error), provider=PROVIDER, code="Failed")
