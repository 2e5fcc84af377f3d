"""How one machine is made: what belongs to it, then itself, followed until Azure has found room for it or has given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer.errors import CapacityError, CloudError, NotFound, QuotaError, RejectedSpec, TransientError, Unsupported
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.compute.choices import Choice, Choices
from cloudlayer.providers.azure.compute.instances import failure_code, is_going
from cloudlayer.providers.azure.compute.keys import ThrowawayKey
from cloudlayer.providers.azure.compute.launches import Launch
from cloudlayer.providers.azure.compute.network import Network
from cloudlayer.providers.azure.compute.profiles import abilities, buying, identity, os_profile, storage_profile
from cloudlayer.providers.azure.compute.views import Document, Views
from cloudlayer.providers.azure.creation import MACHINES, Things
from cloudlayer.providers.azure.errors import TABLE
from cloudlayer.providers.azure.marks import MADE, MAY_COME, zone_of, zones_of
from cloudlayer.providers.azure.operations import Answer
from cloudlayer.providers.azure.places import Places
from cloudlayer.providers.base.errors import Where, hide, translate
from cloudlayer.resources import Instance, InstanceState

ANSWERS: Final = (CapacityError, QuotaError, RejectedSpec, Unsupported)
"""Errors that hit one spec; any other is one of the whole call."""

VCPUS: Final = "vCPUs of this family, or of the location"
"""The quota that counts machines. Azure's code does not say which of the two is used up; `quotas` does."""

_SETTLE: Final = 60.0
"""For so many seconds a machine is followed: Azure mostly knows within them whether it has room. Its start takes longer."""
_SHARE: Final = 0.75
"""Of the time that is left, what following may take: the rest is for looking at the machine."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was found for a launch before anything is made: the choice, and the subnet's id."""

    choice: Choice
    subnet: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A machine that Azure has accepted: its answer, and what it is about."""

    launch: Launch
    answer: Answer
    where: Where


class Making:
    """Makes machines: each is begun, and then followed."""

    def __init__(self, client: Client, choices: Choices, places: Places, network: Network, clock: Clock) -> None:
        self._client = client
        self._choices = choices
        self._places = places
        self._network = network
        self._clock = clock
        self._machines = Things(client, MACHINES)
        self._views = Views(client)
        self._key = ThrowawayKey()

    def plans(self, launches: Sequence[Launch], deadline: Deadline) -> dict[int, Plan]:
        """A plan for each launch, by place; made once for specs that differ in name and labels alone."""
        found: dict[str, Plan] = {}
        plans = {}
        for launch in launches:
            bare = launch.spec.model_copy(update={"name": None, "labels": {}}).model_dump_json()
            if bare not in found:
                choice = self._choices.choose(launch.spec, deadline)
                found[bare] = Plan(choice, self._places.subnet(launch.overrides.subnet, deadline))
            plans[launch.place] = found[bare]
        return plans

    def begin(self, launch: Launch, plan: Plan, deadline: Deadline) -> Begun | CloudError:
        """The machine, accepted by Azure; or, with nothing left of it, why there can be none."""
        choice, client = plan.choice, self._client
        where = self._where(launch, choice.kind.name, choice.zone)
        try:
            card = self._network.make(launch, choice.zone, plan.subnet, deadline)
            answer = client.begin(
                "compute",
                "virtual_machines.begin_create_or_update",
                *(client.group, launch.name, self._body(launch, choice, card)),
                where=where,
                making=VCPUS,
                deadline=deadline,
            )
        except MAY_COME:
            raise
        except CloudError as error:
            found = self._views.find(launch.name, deadline)
            if found is not None and not is_going(found):
                return self.adopt(launch, found)  # another caller makes the same one now
            return self._refused(launch, _of_spec(error), deadline)
        return Begun(launch, answer, where)

    def adopt(self, launch: Launch, found: Document) -> Begun:
        """The machine that an earlier call made, of which `found` is the description."""
        answer = Answer(200, found, {}, url=self._machines.id(launch.name))
        return Begun(launch, answer, self._where(launch, found["properties"]["hardwareProfile"]["vmSize"], zone_of(found)))

    def settled(self, begun: Begun, until: Deadline, deadline: Deadline) -> Instance | CloudError:
        """The machine once Azure has found room for it or has given up; or as it is when `until` comes first."""
        launch = begun.launch
        try:
            self._client.finish(begun.answer, deadline=until, where=begun.where, making=VCPUS)
        except MAY_COME as error:
            if not isinstance(error, TransientError) or error.code != "deadline":
                raise
        except CloudError as error:
            if isinstance(error, ANSWERS) or self._views.find(launch.name, deadline) is None:
                return self._refused(launch, error, deadline)
        instance = self._views.get(launch.name, deadline)
        if instance.state == InstanceState.FAILED:
            code = failure_code(instance)
            if code in TABLE and issubclass(TABLE[code].error, ANSWERS):
                return self._refused(launch, translate(TABLE, code, instance.reason or code, begun.where), deadline)
        return instance

    def settling(self, deadline: Deadline) -> Deadline:
        """Until when machines that are begun now are followed."""
        seconds = min(_SETTLE, deadline.remaining() * _SHARE)
        return Deadline(self._clock.monotonic() + seconds, self._clock, deadline.cancelled)

    def _refused(self, launch: Launch, error: CloudError, deadline: Deadline) -> CloudError:
        """Take away what was made for a machine that is not to be; the error, where it is one spec's."""
        hide(error, launch.spec.user_data)
        found = self._views.find(launch.name, deadline)
        if found is not None and not is_going(found):
            self._machines.delete(launch.name, deadline, wait=True)
        self._network.undo(launch, deadline)
        if not isinstance(error, ANSWERS):
            raise error
        return error

    def _body(self, launch: Launch, choice: Choice, card: str) -> dict[str, Any]:
        spec, overrides = launch.spec, launch.overrides
        properties = {
            "hardwareProfile": {"vmSize": choice.kind.name},
            "storageProfile": storage_profile(spec, choice.image, launch.disks),
            "osProfile": {"computerName": spec.name or launch.name, **os_profile(spec, overrides, self._key.public())},
            "networkProfile": {"networkInterfaces": [{"id": card, "properties": {"primary": True, "deleteOption": "Delete"}}]},
            "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
            **buying(spec, overrides),
            **abilities(spec),
            **({"licenseType": overrides.license_type} if overrides.license_type else {}),
        }
        tags = {**launch.tags, MADE: str(int(self._clock.now()))}
        zones = {"zones": zones_of(choice.zone)} if zones_of(choice.zone) else {}
        return {"location": self._client.region, "tags": tags, "properties": properties, **zones, **identity(overrides)}

    def _where(self, launch: Launch, machine_type: str, zone: str | None) -> Where:
        return Where("azure", self._client.region, zone, machine_type, launch.spec.purchase)


def _of_spec(error: CloudError) -> CloudError:
    """The error; what was not found is something that the spec names, such as an image or an identity."""
    if not isinstance(error, NotFound):
        return error
    return RejectedSpec(error.message, provider=error.provider, code=error.code, request_id=error.request_id)
