"""Things whose names follow from their tokens: each is made once, whoever else is making it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from cloudlayer.errors import CapacityError, Conflict, NotFound, QuotaError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure import operations
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.base.errors import Where

_ONLY_NEW: Final = {"If-None-Match": "*"}
"""Azure Resource Manager's condition. Services that do not know it take a second PUT of the same as no change."""

_UNDER_WAY: Final = ("creating", "updating")
_BUSY: Final = ("AnotherOperationInProgress", "StorageAccountOperationInProgress", "RetryableErrorDueToAnotherOperation")
_PAUSE: Final = 1.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Collection:
    """Things of one type in the resource group, by the SDK's names; `making` is the quota that counts them."""

    service: str
    operations: str
    type: str
    making: str
    put: str = "begin_create_or_update"
    remove: str = "begin_delete"
    listing: str = "list_by_resource_group"
    read: str = "get"


DISKS: Final = Collection("disks", "disks", "Microsoft.Compute/disks", "disks")
SNAPSHOTS: Final = Collection("disks", "snapshots", "Microsoft.Compute/snapshots", "snapshots")
SETS: Final = Collection(
    "compute", "virtual_machine_scale_sets", "Microsoft.Compute/virtualMachineScaleSets", "vCPUs", listing="list"
)
MACHINES: Final = Collection("compute", "virtual_machines", "Microsoft.Compute/virtualMachines", "vCPUs", listing="list")
BALANCERS: Final = Collection("network", "load_balancers", "Microsoft.Network/loadBalancers", "load balancers", listing="list")
ADDRESSES: Final = Collection(
    "network", "public_ip_addresses", "Microsoft.Network/publicIPAddresses", "public addresses", listing="list"
)
FIREWALLS: Final = Collection(
    "network", "network_security_groups", "Microsoft.Network/networkSecurityGroups", "security groups", listing="list"
)
CARDS: Final = Collection(
    "network", "network_interfaces", "Microsoft.Network/networkInterfaces", "network interfaces", listing="list"
)
SETTINGS: Final = Collection(
    *("monitor", "autoscale_settings", "Microsoft.Insights/autoscalesettings", "autoscale settings"),
    put="create_or_update",
    remove="delete",
)
ACCOUNTS: Final = Collection(
    *("storage", "storage_accounts", "Microsoft.Storage/storageAccounts", "storage accounts"),
    put="begin_create",
    remove="delete",
    read="get_properties",
)


def insist(client: Client, call: Callable[[], Answer], deadline: Deadline) -> Answer:
    """The answer to a call that changes something, made again as long as Azure is busy with an earlier change of it."""
    while True:
        try:
            return call()
        except TransientError as error:
            if error.code not in _BUSY or deadline.remaining() <= _PAUSE or deadline.cancelled.is_set():
                raise
            client.retries.clock.sleep(_PAUSE)


class Things:
    """The things of one type in the client's resource group. `begun` is told the first answer to each change, by name."""

    def __init__(self, client: Client, kind: Collection, begun: Callable[[str, operations.Answer], None] | None = None) -> None:
        self._client = client
        self._kind = kind
        self._begun = begun or (lambda name, answer: None)

    def id(self, name: str) -> str:
        """The id of a thing."""
        return self._client.id(self._kind.type, name)

    def find(self, name: str, deadline: Deadline) -> Any:
        """A thing's document; None if it is not there."""
        kind = self._kind
        return self._client.find(kind.service, f"{kind.operations}.{kind.read}", self._client.group, name, deadline=deadline)

    def get(self, name: str, deadline: Deadline) -> Any:
        """A thing's document; NotFound if it is not there."""
        kind = self._kind
        return self._client.call(kind.service, f"{kind.operations}.{kind.read}", self._client.group, name, deadline=deadline)

    def all(self, deadline: Deadline, *, anywhere: bool = False) -> list[dict[str, Any]]:
        """Every one in the resource group and the client's location, or wherever it is."""
        kind = self._kind
        found = self._client.pages(kind.service, f"{kind.operations}.{kind.listing}", self._client.group, deadline=deadline)
        return [item for item in found if anywhere or _plain(item.get("location", "")) == self._client.region]

    def make(self, name: str, body: Mapping[str, Any], deadline: Deadline, *, where: Where | None = None) -> Any:
        """Begin to make a thing, unless it is there; its document as it is then.

        One that Azure tells nothing of before it is made, as it may an account, is waited for.
        """
        found = self.find(name, deadline)
        if found is not None:
            return found
        try:
            answer = self._begin(name, body, deadline, where, headers=_ONLY_NEW)
        except Conflict as error:  # an earlier try made it, or another caller is making it
            found = self.find(name, deadline)
            if found is None:
                raise error from None
            return found
        found = self.find(name, deadline)  # the first answer may lack id and tags, as that of a disk does
        return self._client.finish(answer, deadline=deadline, where=where, making=self._kind.making) if found is None else found

    def settled(self, name: str, deadline: Deadline) -> Any:
        """A thing's document once nothing is under way with it; raises what that ended with."""
        kind = self._kind
        answer = self._client.begin(kind.service, f"{kind.operations}.{kind.read}", self._client.group, name, deadline=deadline)
        return self._client.finish(answer, deadline=deadline, making=kind.making)

    def put(
        self, name: str, body: Mapping[str, Any], deadline: Deadline, *, match: str | None = None, where: Where | None = None
    ) -> Any:
        """Bring a thing to the body, and wait for that; Conflict if `match` is not its ETag any more."""
        headers = {"If-Match": match} if match else {}
        answer = self._begin(name, body, deadline, where, headers=headers)
        return self._client.finish(answer, deadline=deadline, where=where, making=self._kind.making)

    def change(
        self, name: str, body: Mapping[str, Any], deadline: Deadline, *, wait: bool = True, where: Where | None = None
    ) -> None:
        """Begin to merge the body into a thing (PATCH), and unless told otherwise wait for that.

        A quota can stand against it only where the body has another size ("sku").
        """
        kind = self._kind
        making = kind.making if "sku" in body else ""
        answer = insist(
            self._client,
            lambda: self._client.begin(
                *(kind.service, f"{kind.operations}.begin_update", self._client.group, name, body),
                deadline=deadline,
                where=where,
                making=making,
            ),
            deadline,
        )
        self._begun(name, answer)
        if wait:
            self._client.finish(answer, deadline=deadline, where=where, making=making)

    def tag(self, name: str, tags: Mapping[str, str], deadline: Deadline) -> None:
        """Give a thing of the network these tags in place of all that it has."""
        kind, body = self._kind, {"tags": dict(tags)}
        insist(
            self._client,
            lambda: self._client.call(
                kind.service, f"{kind.operations}.update_tags", self._client.group, name, body, deadline=deadline
            ),
            deadline,
        )

    def delete(self, name: str, deadline: Deadline, *, wait: bool = False) -> None:
        """Begin to delete a thing, and wait for that where it is wanted; one that is not there is no error.

        One that is being made or changed is waited for. Conflict if it is in use.
        """
        kind = self._kind
        while True:
            deadline.check(f"deleting {name}")
            try:
                answer = insist(
                    self._client,
                    lambda: self._client.begin(
                        kind.service, f"{kind.operations}.{kind.remove}", self._client.group, name, deadline=deadline
                    ),
                    deadline,
                )
                if wait:
                    self._client.finish(answer, deadline=deadline)
            except NotFound:
                return
            except Conflict:
                if not self._is_busy(name, deadline):
                    raise
            else:
                return

    def _is_busy(self, name: str, deadline: Deadline) -> bool:
        """Whether something was under way with a thing, whose end this waits for, however it ends."""
        found = self.find(name, deadline)
        if found is None or str(found["properties"].get("provisioningState")).lower() not in _UNDER_WAY:
            return False
        with suppress(CapacityError, QuotaError, NotFound):
            self.settled(name, deadline)
        return True

    def _begin(
        self, name: str, body: Mapping[str, Any], deadline: Deadline, where: Where | None, headers: Mapping[str, str]
    ) -> Any:
        kind = self._kind
        answer = insist(
            self._client,
            lambda: self._client.begin(
                *(kind.service, f"{kind.operations}.{kind.put}", self._client.group, name, body),
                deadline=deadline,
                where=where,
                making=kind.making,
                headers=dict(headers),
            ),
            deadline,
        )
        self._begun(name, answer)
        return answer


def _plain(location: str) -> str:
    """A location as Azure compares it: "West Europe" is "westeurope"."""
    return location.lower().replace(" ", "")
