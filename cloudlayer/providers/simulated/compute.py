"""Compute on the simulated cloud: the driver, which talks to the cloud by calls that can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from cloudlayer.errors import TOKEN_SPENT, CloudError, Conflict, InvalidSpec
from cloudlayer.interfaces import Capabilities, Deadline
from cloudlayer.labels import SPEC, TOKEN
from cloudlayer.providers.base.attempts import PLAIN_LABELS, checked_token, derive, fingerprint
from cloudlayer.providers.base.capabilities import require_for
from cloudlayer.providers.base.compute import BaseCompute
from cloudlayer.providers.base.pages import flatten
from cloudlayer.providers.simulated import catalogue, cloud, limits
from cloudlayer.providers.simulated.calls import Attempt, Calls
from cloudlayer.resources import Image, Instance, InstanceSpec, InstanceState, Offer
from cloudlayer.runtime.simulated import Simulation
from cloudlayer.runtime.simulated.records import Document, settings_of

Result = TypeVar("Result")
Page = tuple[Sequence[Instance], str | None]
PageCall = Callable[[str, str, Callable[[Document, float], Page], Deadline | None], Page]
INDEX: Final = "cloudlayer-index"
OVERRIDES: Final = frozenset({"boot_seconds"})


class SimulatedCompute(BaseCompute):
    """Instances of one region of a world."""

    def __init__(self, capabilities: Capabilities, region: str, simulation: Simulation) -> None:
        super().__init__(capabilities, region, clock=simulation.clock)
        self._simulation = simulation
        self._calls = Calls(simulation, region)

    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Everything on sale here."""

        def fetch(after: str | None) -> tuple[list[Offer], str | None]:
            def operation(document: Document, now: float) -> tuple[list[Offer], str | None]:
                first, size = int(after or 0), settings_of(document).page_size
                offers = limits.on_sale(document, self.region)
                more = str(first + size) if first + size < len(offers) else None
                return limits.with_available(offers[first : first + size], document, now), more

            return self._call("offers", self.region, operation, deadline)

        return list(flatten(fetch, provider=self.provider))

    def images(self, name: str | None = None, *, deadline: Deadline | None = None) -> list[Image]:
        """Images by friendly name or id."""
        found = self._call("images", name or "", lambda _document, _now: catalogue.IMAGES, deadline)
        return [image for image in found if name in (None, image.name, image.id)]

    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """One answer for each spec, in order; idempotent by token."""
        token = checked_token(token)
        require_for(specs, self.capabilities)
        for spec in specs:
            PLAIN_LABELS.check(spec.labels)
            check_overrides(spec)
        if not specs:
            return []
        with self._calls.creating() as native:
            return self._calls.tried(lambda: self._create(specs, token, deadline, native=native), "create", deadline)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as the cloud shows it."""
        return self._call("get", id, lambda document, now: cloud.describe(document, now, id), deadline)

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Begin to delete these in one call."""
        doomed = list(ids)
        if doomed:
            about = " ".join(doomed)
            used = self._call("delete", about, lambda document, now: cloud.terminate(document, now, doomed), deadline)
            self._calls.discard(used, deadline)

    def start(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to start a stopped instance."""
        self._call("start", id, lambda document, now: cloud.start(document, now, id), deadline)

    def stop(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to stop a running instance."""
        self._call("stop", id, lambda document, now: cloud.stop(document, now, id), deadline)

    def reboot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Restart the instance's system."""
        self._call("reboot", id, lambda document, now: cloud.reboot(document, now, id), deadline)

    def resize(self, id: str, machine_type: str, *, deadline: Deadline | None = None) -> None:
        """Change the machine type of a stopped instance."""
        self._call("resize", id, lambda document, now: cloud.resize(document, now, id, machine_type), deadline)

    def console_log(self, id: str, *, deadline: Deadline | None = None) -> str:
        """What the machine wrote to its console."""
        return self._call("console_log", id, lambda document, now: cloud.console(document, now, id), deadline)

    def wait(
        self, instance: Instance | str, state: InstanceState | str, *, timeout: float = 600, deadline: Deadline | None = None
    ) -> Instance:
        """The instance once it is in `state`, eventual consistency waited out."""
        self.settle = self._calls.settle
        return super().wait(instance, state, timeout=timeout, deadline=deadline)

    def _create(
        self, specs: Sequence[InstanceSpec], token: str, deadline: Deadline | None, *, native: bool
    ) -> list[Instance | CloudError]:
        """Open the firewalls, then launch what is missing; those that are not needed in the end are deleted."""
        digest = fingerprint(specs)
        ids = [None] * len(specs) if native else self._launched(len(specs), token, digest, deadline)
        firewalls = [self._firewall(spec, index, token, deadline) for index, spec in enumerate(specs)]
        marked = specs if native else _marked(specs, digest)

        def operation(document: Document, now: float) -> list[Instance | CloudError]:
            if native:
                return cloud.launch(document, now, self.region, specs, token=token, digest=digest, firewalls=firewalls)
            return cloud.launch_missing(document, now, self.region, marked, token=token, ids=ids, firewalls=firewalls)

        made = [firewall for firewall in firewalls if firewall is not None]
        with self._calls.discarded(made, deadline):
            answers = self._calls.once("create", f"{token} {len(specs)}", operation, deadline)
        self._calls.discard(_spare(firewalls, answers), deadline)
        return answers

    def _firewall(self, spec: InstanceSpec, index: int, token: str, deadline: Deadline | None) -> str | None:
        if not spec.open_ports:
            return None
        attempt = Attempt(spec.name, token, fingerprint([spec]), spec.labels, deadline)
        return self._calls.piece("firewall", attempt, derive(token, "firewall", index))

    def _launched(self, count: int, token: str, digest: str, deadline: Deadline | None) -> list[str | None]:
        """What the token launched, by the instances' labels. A lagging list hides an earlier try: then there are twins."""
        found = self._list({TOKEN: token}, self._simulation.perform, deadline)
        if any(instance.labels[SPEC] != digest for instance in found):
            raise Conflict("this token was used for other specs: use a new one", provider=self.provider, code="TokenReused")
        if found and all(instance.state.gone for instance in found):
            raise Conflict("what this token launched is deleted: use a new one", provider=self.provider, code=TOKEN_SPENT)
        # Of twins the one that lives wins, and of those the first made: it comes last here, so that it is the one kept.
        ranked = sorted(sorted(found, key=lambda twin: twin.id, reverse=True), key=lambda twin: not twin.state.gone)
        made = {int(twin.labels[INDEX]): twin.id for twin in ranked}
        return [made.get(index) for index in range(count)]

    def _call(self, name: str, about: str, operation: Callable[[Document, float], Result], deadline: Deadline | None) -> Result:
        return self._calls.run(name, about, operation, deadline)

    def _list(self, labels: Mapping[str, str], call: PageCall, deadline: Deadline | None) -> Sequence[Instance]:
        def fetch(after: str | None) -> Page:
            def operation(document: Document, now: float) -> Page:
                return cloud.page(document, now, self.region, labels, after)

            return call("list", self.region, operation, deadline)

        return [*flatten(fetch, provider=self.provider)]

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance of the region that carries all of `labels`."""
        return list(self._list(dict(labels or {}), self._call, deadline))


def _marked(specs: Sequence[InstanceSpec], digest: str) -> list[InstanceSpec]:
    """The specs with labels by which a retry finds what they have become."""
    own = [{SPEC: digest, INDEX: str(index)} for index in range(len(specs))]
    return [spec.model_copy(update={"labels": spec.labels | mark}) for spec, mark in zip(specs, own, strict=True)]


def _spare(firewalls: Sequence[str | None], answers: Sequence[Instance | CloudError]) -> list[str]:
    """The firewalls that no living instance needs."""
    pairs = [(firewall, answer) for firewall, answer in zip(firewalls, answers, strict=True) if firewall is not None]
    return [firewall for firewall, answer in pairs if isinstance(answer, CloudError) or answer.state.gone]


def check_overrides(spec: InstanceSpec) -> None:
    """Raise InvalidSpec for overrides that this cloud does not know."""
    for name, value in spec.overrides.items():
        if name not in OVERRIDES:
            raise InvalidSpec(f"overrides.{name}: unknown key; known here: {', '.join(sorted(OVERRIDES))}")
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise InvalidSpec(f"overrides.{name}: give seconds as a number that is not negative")
