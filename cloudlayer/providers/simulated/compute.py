"""Compute on the simulated cloud: the driver, which talks to the cloud by calls that can fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from cloudlayer.errors import CloudError, Conflict, InvalidSpec
from cloudlayer.interfaces import Capabilities, Deadline
from cloudlayer.labels import TOKEN
from cloudlayer.providers.base.attempts import PLAIN_LABELS, checked_token, fingerprint
from cloudlayer.providers.base.capabilities import require_for
from cloudlayer.providers.base.compute import BaseCompute
from cloudlayer.providers.base.pages import flatten
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.simulated import catalogue, cloud, limits
from cloudlayer.resources import Image, Instance, InstanceSpec, InstanceState, Offer
from cloudlayer.runtime.simulated import Simulation
from cloudlayer.runtime.simulated.records import Document, settings_of

Result = TypeVar("Result")
Page = tuple[Sequence[Instance], str | None]
PageCall = Callable[[str, str, Callable[[Document, float], Page], Deadline | None], Page]
DIGEST: Final = "cloudlayer-digest"
INDEX: Final = "cloudlayer-index"
OVERRIDES: Final = frozenset({"boot_seconds"})


class SimulatedCompute(BaseCompute):
    """Instances of one region of a world."""

    def __init__(self, capabilities: Capabilities, region: str, simulation: Simulation) -> None:
        super().__init__(capabilities, region, clock=simulation.clock)
        self._simulation = simulation
        self._creating = threading.Lock()

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
            _check_overrides(spec)
        if not specs:
            return []
        digest = fingerprint(specs)
        if not self._simulation.settings.native_tokens:
            with self._creating:
                return self._try(lambda: self._create_by_labels(specs, token, digest, deadline), "create", deadline)

        def operation(document: Document, now: float) -> list[Instance | CloudError]:
            return cloud.launch(document, now, self.region, specs, token=token, digest=digest)

        return self._call("create", f"{token} {len(specs)}", operation, deadline)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as the cloud shows it."""
        return self._call("get", id, lambda document, now: cloud.describe(document, now, id), deadline)

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Begin to delete these in one call."""
        doomed = list(ids)
        if doomed:
            about = " ".join(doomed)
            self._call("delete", about, lambda document, now: cloud.terminate(document, now, doomed), deadline)

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
        settings = self._simulation.settings
        self.settle = settings.lag_seconds + 2.0 * settings.lag_reads
        return super().wait(instance, state, timeout=timeout, deadline=deadline)

    def _create_by_labels(
        self, specs: Sequence[InstanceSpec], token: str, digest: str, deadline: Deadline | None
    ) -> list[Instance | CloudError]:
        """Look first, then launch what is missing. A lagging list hides an earlier try: then there are twins."""
        found = self._list({TOKEN: token}, self._simulation.perform, deadline)
        if any(instance.labels[DIGEST] != digest for instance in found):
            raise Conflict("this token was used for other specs: use a new one", provider=self.provider, code="TokenReused")
        if found and all(instance.state.gone for instance in found):
            raise Conflict("what this token launched is deleted: use a new one", provider=self.provider, code="TokenSpent")
        # Of twins the one that lives wins, and of those the first made: it comes last here, so that it is the one kept.
        ranked = sorted(sorted(found, key=lambda twin: twin.id, reverse=True), key=lambda twin: not twin.state.gone)
        made = {int(twin.labels[INDEX]): twin.id for twin in ranked}
        ids = [made.get(index) for index in range(len(specs))]
        marked = [
            spec.model_copy(update={"labels": {**spec.labels, DIGEST: digest, INDEX: str(index)}})
            for index, spec in enumerate(specs)
        ]

        def operation(document: Document, now: float) -> list[Instance | CloudError]:
            return cloud.launch_missing(document, now, self.region, marked, token=token, ids=ids)

        return self._simulation.perform("create", f"{token} {len(specs)}", operation, deadline)

    def _call(self, name: str, about: str, operation: Callable[[Document, float], Result], deadline: Deadline | None) -> Result:
        return self._try(lambda: self._simulation.perform(name, about, operation, deadline), name, deadline)

    def _try(self, attempt: Callable[[], Result], name: str, deadline: Deadline | None) -> Result:
        retries = Retries(attempts=self._simulation.settings.attempts, clock=self.clock)
        return retries.run(attempt, doing=f"calling {name}", deadline=deadline)

    def _list(self, labels: Mapping[str, str], call: PageCall, deadline: Deadline | None) -> Sequence[Instance]:
        def fetch(after: str | None) -> Page:
            def operation(document: Document, now: float) -> Page:
                return cloud.page(document, now, self.region, labels, after)

            return call("list", self.region, operation, deadline)

        return [*flatten(fetch, provider=self.provider)]

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance of the region that carries all of `labels`."""
        return list(self._list(dict(labels or {}), self._call, deadline))


def _check_overrides(spec: InstanceSpec) -> None:
    for name, value in spec.overrides.items():
        if name not in OVERRIDES:
            raise InvalidSpec(f"overrides.{name}: unknown key; known here: {', '.join(sorted(OVERRIDES))}")
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise InvalidSpec(f"overrides.{name}: give seconds as a number that is not negative")
