"""Compute over the base interface of Libcloud's drivers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from cloudlayer.errors import CloudError, Conflict, NotFound, UnknownCloudError
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.base.attempts import checked_token
from cloudlayer.providers.base.capabilities import missing, require_for
from cloudlayer.providers.base.compute import BaseCompute
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.calls import Calls
from cloudlayer.providers.libcloud.catalogue import Catalogue
from cloudlayer.providers.libcloud.creating import Creating
from cloudlayer.providers.libcloud.images import Images
from cloudlayer.providers.libcloud.launches import Launches
from cloudlayer.providers.libcloud.nodes import Reader, state_of
from cloudlayer.resources import Image, Instance, InstanceSpec, InstanceState, Offer

_UP: Final = (InstanceState.RUNNING, InstanceState.PENDING)
_DOWN: Final = (InstanceState.STOPPED, InstanceState.STOPPING)


class LibcloudCompute(BaseCompute):
    """Instances of one driver."""

    settle = 10.0

    def __init__(
        self,
        calls: Calls,
        capabilities: Capabilities,
        region: str,
        *,
        adapter: Adapter,
        catalogue: Catalogue,
        launches: Launches,
        images: Images,
        clock: Clock,
    ) -> None:
        super().__init__(capabilities, region, clock=clock)
        self._calls = calls
        self._adapter = adapter
        self._catalogue = catalogue
        self._launches = launches
        self._images = images
        self._reader = Reader(self.provider, region, adapter)
        self._creating = Creating(calls, adapter, self._reader, catalogue)

    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Each size in each of the region's locations, at its price where that is known."""
        return self._catalogue.offers(self._bound(deadline))

    def images(self, name: str | None = None, *, deadline: Deadline | None = None) -> list[Image]:
        """Images by id, by name, or by a friendly name, whose words the image's own name has; newest first."""
        if not self.capabilities["images"]:
            raise missing(self.capabilities, "images")
        return self._images.find(name, self._bound(deadline))

    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """One answer for each spec, in order; each is a call of its own.

        What earlier calls with the token made is looked for first, by labels or by name, and once more before a call is
        repeated whose answer was lost. A driver without tokens may, in two processes at once, make two of what was asked for
        once: see the capability idempotent_create.
        """
        require_for(specs, self.capabilities)
        self._launches.check(specs)
        batch = checked_token(token)
        bound = self._bound(deadline)
        bound.check("creating instances")
        if not specs:
            return []
        launches = self._launches.plan(specs, batch, bound)
        return self._creating.create(launches, batch, bound)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as it is now; NotFound if it is not listed (any more)."""
        bound = self._bound(deadline)
        return self._reader.instance(self._node(id, bound), self._catalogue.sold(bound))

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Begin to delete the instances. One that is not there is no error."""
        wanted, bound = dict.fromkeys(ids), self._bound(deadline)
        nodes = {self._adapter.id_of(node): node for node in self._nodes(bound)} if wanted else {}
        for name in wanted:
            if name in nodes and not state_of(nodes[name]).gone:
                self._destroy(nodes[name], bound)

    def start(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to start a stopped instance; no error if it runs."""
        self._act(id, "start_node", "stop_start", _UP, self._bound(deadline))

    def stop(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to stop a running instance; no error if it is stopped."""
        self._act(id, "stop_node", "stop_start", _DOWN, self._bound(deadline))

    def reboot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Restart the instance's system."""
        self._act(id, "reboot_node", "reboot", (), self._bound(deadline))

    def resize(self, id: str, machine_type: str, *, deadline: Deadline | None = None) -> None:
        """Change the machine type of a stopped instance."""
        method, bound = self._adapter.resize, self._bound(deadline)
        if method is None:
            raise missing(self.capabilities, "resize")
        kind, size = self._catalogue.kind(machine_type, bound)
        node = self._node(id, bound)
        if state_of(node) is not InstanceState.STOPPED:
            message = f"{id} is {state_of(node)}: stop it first, and wait until it is stopped"
            raise Conflict(message, provider=self.provider, code="NotStopped")
        self._call(lambda held: getattr(held.driver, method)(node, size), f"making {id} a {kind.name}", bound)

    def console_log(self, id: str, *, deadline: Deadline | None = None) -> str:
        """What the machine wrote to its console."""
        method, bound = self._adapter.console, self._bound(deadline)
        if method is None:
            raise missing(self.capabilities, "console_log")
        node = self._node(id, bound)
        answer = self._call(lambda held: getattr(held.driver, method)(node), f"reading the console of {id}", bound)
        return str((answer.get("output") if isinstance(answer, Mapping) else answer) or "")

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance here that carries all of `labels`; none does where a driver keeps no labels.

        One whose location the driver does not tell counts as here.
        """
        wanted, bound = dict(labels or {}).items(), self._bound(deadline)
        nodes = self._nodes(bound)
        sold = self._catalogue.sold(bound)
        found = (self._reader.instance(node, sold) for node in nodes)
        return [one for one in found if wanted <= one.labels.items() and one.zone not in sold.elsewhere]

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._calls.retries.deadline(deadline)

    def _nodes(self, deadline: Deadline) -> Sequence[Any]:
        found: Sequence[Any] = self._call(lambda held: list(held.driver.list_nodes()), "listing instances", deadline)
        return found

    def _node(self, id: str, deadline: Deadline) -> Any:
        for node in self._nodes(deadline):
            if self._adapter.id_of(node) == id:
                return node
        raise NotFound(f"instance {id} is not there", provider=self.provider, code="NotFound")

    def _call(self, call: Any, doing: str, deadline: Deadline) -> Any:
        return self._calls.run(call, doing=doing, deadline=deadline)

    def _act(self, id: str, method: str, capability: str, done: tuple[InstanceState, ...], deadline: Deadline) -> None:
        if not self.capabilities[capability]:
            raise missing(self.capabilities, capability)
        node = self._node(id, deadline)
        if state_of(node) not in done:
            self._call(lambda held: getattr(held.driver, method)(node), f"calling {method} of {id}", deadline)

    def _destroy(self, node: Any, deadline: Deadline) -> None:
        """What a driver answers with False is looked at once more: some do so for what is on its way out already."""
        name = self._adapter.id_of(node)
        with suppress(NotFound):
            done = self._call(lambda held: held.driver.destroy_node(node), f"deleting {name}", deadline)
            if done is False and not state_of(self._node(name, deadline)).gone:
                raise UnknownCloudError(f"{name} was not deleted, and the driver does not say why", provider=self.provider)
        self._creating.forget(node)
