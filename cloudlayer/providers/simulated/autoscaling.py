"""Autoscaling on the simulated cloud: the driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import uuid4

from cloudlayer.errors import InvalidSpec, Throttled
from cloudlayer.interfaces import Capabilities, Deadline
from cloudlayer.providers.base.attempts import PLAIN_LABELS, checked_token, fingerprint
from cloudlayer.providers.base.autoscaling import BaseAutoscaling, require_group
from cloudlayer.providers.simulated import groups, pieces
from cloudlayer.providers.simulated.calls import Attempt, Calls, Made
from cloudlayer.providers.simulated.compute import check_overrides
from cloudlayer.resources import ScalingGroup, ScalingGroupSpec, ScalingGroupState
from cloudlayer.runtime.simulated import Simulation
from cloudlayer.runtime.simulated.records import Document

COOLDOWN_POLL_SECONDS: Final = 2.0


class SimulatedAutoscaling(BaseAutoscaling):
    """Scaling groups of one region of a world."""

    def __init__(self, capabilities: Capabilities, region: str, simulation: Simulation) -> None:
        super().__init__(capabilities, region, clock=simulation.clock)
        self._calls = Calls(simulation, region)

    def create(self, spec: ScalingGroupSpec, *, token: str, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to make the group: its template and firewall first, then itself; idempotent by token."""
        token, digest = checked_token(token), fingerprint([spec])
        self._check(spec)

        def make(document: Document, now: float, made: Made) -> ScalingGroup:
            return groups.create(
                document, now, self.region, spec, token=token, digest=digest, labels=made.labels, made_with=made.pieces
            )

        attempt = Attempt(spec.name, token, digest, spec.labels, deadline)
        kinds: list[pieces.Kind] = ["template", "firewall"] if spec.template.open_ports else ["template"]
        return self._calls.create("group.create", attempt, kinds=kinds, found=self.list, make=make)

    def update(self, id: str, spec: ScalingGroupSpec, *, deadline: Deadline | None = None) -> ScalingGroup:
        """Begin to bring the group to `spec`; a template that opens ports for the first time gets its firewall first."""
        self._check(spec)

        def once() -> ScalingGroup:
            made = self._firewall(id, spec, deadline)

            def operation(document: Document, now: float) -> ScalingGroup:
                return groups.update(document, now, self.region, id, spec, made_with=made)

            with self._calls.discarded(made, deadline):
                return self._calls.once("group.update", id, operation, deadline)

        return self._calls.tried(once, "group.update", deadline)

    def set_desired(self, id: str, size: int, *, deadline: Deadline | None = None) -> None:
        """Ask for `size` members."""

        def operation(document: Document, now: float) -> None:
            groups.set_desired(document, now, self.region, id, size)

        self._calls.run("group.set_desired", f"{id} {size}", operation, deadline)

    def execute(self, id: str, policy: str, *, deadline: Deadline | None = None) -> None:
        """Take the step of a step policy, once it has rested."""
        request = str(uuid4())

        def operation(document: Document, now: float) -> float:
            return groups.execute(document, now, self.region, id, policy, request=request)

        while (left := self._calls.run("group.execute", f"{id} {policy}", operation, deadline)) > 0:
            if deadline is not None:
                deadline.check(f"waiting for the policy {policy} of {id} to have rested")
            if deadline is not None and deadline.remaining() < left:
                message = f"the policy {policy} of {id} rests for {left:g} seconds more: come again then"
                raise Throttled(message, retry_after=left, provider=self.provider, code="Cooldown")
            self.clock.sleep(min(left, COOLDOWN_POLL_SECONDS))

    def get(self, id: str, *, deadline: Deadline | None = None) -> ScalingGroup:
        """The group as the cloud shows it."""
        return self._calls.run("group.get", id, lambda doc, now: groups.describe(doc, now, self.region, id), deadline)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete the group and its members, and delete its template and firewall."""
        used = self._calls.run("group.delete", id, lambda doc, now: groups.delete(doc, now, self.region, id), deadline)
        self._calls.discard(used, deadline)

    def wait(
        self,
        group: ScalingGroup | str,
        state: ScalingGroupState | str,
        *,
        timeout: float = 900,
        deadline: Deadline | None = None,
    ) -> ScalingGroup:
        """The group once it is in `state`, eventual consistency waited out."""
        self.settle = self._calls.settle
        return super().wait(group, state, timeout=timeout, deadline=deadline)

    def _check(self, spec: ScalingGroupSpec) -> None:
        require_group(spec, self.capabilities)
        PLAIN_LABELS.check(spec.labels)
        PLAIN_LABELS.check(spec.template.labels)
        check_overrides(spec.template)
        if spec.overrides:
            raise InvalidSpec(f"overrides.{next(iter(spec.overrides))}: unknown key; the simulated cloud has none for groups")

    def _firewall(self, id: str, spec: ScalingGroupSpec, deadline: Deadline | None) -> list[str]:
        """The id of a firewall for a group that is to open ports and has none yet."""
        if not spec.template.open_ports:
            return []

        def operation(document: Document, now: float) -> str | None:
            return groups.closed(document, now, self.region, id)

        token = self._calls.once("group.get", id, operation, deadline)
        if token is None:
            return []
        attempt = Attempt(spec.name, token, fingerprint([spec]), spec.labels, deadline)
        return [self._calls.piece("firewall", attempt)]

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ScalingGroup]:
        """Every group of the region that carries all of `labels`."""
        wanted = dict(labels or {})

        def page(document: Document, now: float, after: str | None) -> tuple[Sequence[ScalingGroup], str | None]:
            return groups.page(document, now, self.region, wanted, after)

        return self._calls.pages("group.list", page, deadline)
