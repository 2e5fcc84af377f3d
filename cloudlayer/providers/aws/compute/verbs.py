"""Compute on EC2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from cloudlayer import labels as names
from cloudlayer.errors import (
    AuthError,
    CapacityError,
    CloudError,
    Conflict,
    NotFound,
    QuotaError,
    RejectedSpec,
    Throttled,
    TransientError,
    Unsupported,
)
from cloudlayer.interfaces import Capabilities, Clock, Deadline
from cloudlayer.providers.aws.client import Client, Filters, filters
from cloudlayer.providers.aws.compute.catalogue import Catalogue
from cloudlayer.providers.aws.compute.choices import Choices
from cloudlayer.providers.aws.compute.images import Images
from cloudlayer.providers.aws.compute.instances import read_instance, reason_code
from cloudlayer.providers.aws.compute.launches import Choice, Launch, parameters, plan_launches
from cloudlayer.providers.aws.compute.network import Network
from cloudlayer.providers.aws.compute.notices import announced
from cloudlayer.providers.aws.errors import TABLE
from cloudlayer.providers.aws.tags import LAUNCH, TAGS, tag_filters
from cloudlayer.providers.base.attempts import checked_token, fingerprint
from cloudlayer.providers.base.capabilities import require_for
from cloudlayer.providers.base.compute import BaseCompute
from cloudlayer.providers.base.errors import Where, translate
from cloudlayer.resources import Image, Instance, InstanceSpec, InstanceState, Offer

_ANSWERS: Final = (CapacityError, QuotaError, RejectedSpec, Unsupported)
"""Errors that hit the specs of one launch; any other is one of the whole call."""

_MAY_COME: Final = (AuthError, Throttled, TransientError)
"""Errors after which the same launch may go through, or has: what was made for it is kept."""

_VISIBLE: Final = 600.0
"""After so many seconds a launch shows in every list: what is not there then was not launched."""

_DELETED_AT_ONCE: Final = 500


class Ec2Compute(BaseCompute):
    """Instances of EC2 in one region."""

    settle = 60.0

    def __init__(self, client: Client, capabilities: Capabilities, catalogue: Catalogue, clock: Clock) -> None:
        super().__init__(capabilities, client.region, clock=clock)
        self._client = client
        self._catalogue = catalogue
        self._images = Images(client)
        self._chooser = Choices(catalogue, self._images)
        self._network = Network(client)

    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Everything on sale here: on demand, spot, and as open capacity reservations of the account."""
        return self._catalogue.offers(self._bound(deadline))

    def images(self, name: str | None = None, *, deadline: Deadline | None = None) -> list[Image]:
        """Images by friendly name, id ("ami-…"), parameter ("ssm:/path"), or name of one of the account's own."""
        return self._images.find(name, self._bound(deadline))

    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """One answer for each spec, in order; equal specs are one call of EC2's for each hundred.

        EC2's own client tokens make it idempotent, and so do the tags where those have run out. A launch that found room
        for some gives CapacityError for the rest, and does so again under the same token. A launch that found no room at
        all may find some when the same token is tried later. Nothing is launched before all specs are found good.
        """
        require_for(specs, self.capabilities)
        for spec in specs:
            TAGS.check(spec.labels)
        launches = plan_launches(specs, checked_token(token))
        bound = self._bound(deadline)
        earlier = self._earlier(launches, token, bound)
        choices = self._choices([launch for launch in launches if launch.token not in earlier], bound)
        answers: dict[int, Instance | CloudError] = {}
        for launch in launches:
            adopted = earlier.get(launch.token)
            answers.update(adopted or self._launch(launch, choices[launch.token], bound))
        return [answers[place] for place in range(len(specs))]

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as it is now; one that was deleted is reported for about an hour."""
        answer = self._client.call("describe_instances", InstanceIds=[id], deadline=self._bound(deadline))
        for reservation in answer["Reservations"]:
            return read_instance(reservation["Instances"][0], self.region)
        raise NotFound(f"instance {id} is not there", provider=self.provider, code="InvalidInstanceID.NotFound")

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Begin to delete the instances, with their disks, network interfaces, and the security groups made for them."""
        rest, bound = iter(dict.fromkeys(ids)), self._bound(deadline)
        while chunk := list(islice(rest, _DELETED_AT_ONCE)):
            self._network.close(self._present(chunk, bound), bound)
            self._terminate(chunk, bound)

    def start(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to start a stopped instance; no error if it runs."""
        self._client.call("start_instances", InstanceIds=[id], deadline=self._bound(deadline))

    def stop(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to stop a running instance; no error if it is stopped."""
        self._client.call("stop_instances", InstanceIds=[id], deadline=self._bound(deadline))

    def reboot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Restart the instance's system."""
        self._client.call("reboot_instances", InstanceIds=[id], deadline=self._bound(deadline))

    def resize(self, id: str, machine_type: str, *, deadline: Deadline | None = None) -> None:
        """Change the machine type of a stopped instance; Conflict if it is not stopped."""
        wanted = {"Value": machine_type}
        self._client.call("modify_instance_attribute", InstanceId=id, InstanceType=wanted, deadline=self._bound(deadline))

    def console_log(self, id: str, *, deadline: Deadline | None = None) -> str:
        """What the machine wrote to its console; EC2 keeps the last 64 KiB, some minutes old."""
        answer = self._client.call("get_console_output", InstanceId=id, deadline=self._bound(deadline))
        return str(answer.get("Output") or "")

    def failure(self, instance: Instance, wanted: InstanceState) -> CloudError:
        """The error for an instance that ended on its way: EC2's code for the reason decides, as it does for a refusal."""
        error, code = super().failure(instance, wanted), reason_code(instance)
        if code not in TABLE or TABLE[code].error not in _ANSWERS:
            return error
        where = Where("aws", self.region, instance.zone, instance.machine_type, instance.purchase)
        return translate(TABLE, code, error.message, where)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance that carries all of `labels`; those deleted within about an hour are among them.

        Spot instances that EC2 is about to take back are told with the moment of it.
        """
        wanted, bound = dict(labels or {}), self._bound(deadline)
        found = announced(self._client, self._described(tag_filters(wanted), bound), bound)
        return [instance for instance in found if wanted.items() <= instance.labels.items()]

    def _bound(self, deadline: Deadline | None) -> Deadline:
        return self._client.retries.deadline(deadline)

    def _described(self, wanted: Filters, deadline: Deadline) -> Iterable[Instance]:
        pages = self._client.pages("describe_instances", "Reservations", Filters=wanted, deadline=deadline)
        for reservation in pages:
            for found in reservation["Instances"]:
                yield read_instance(found, self.region)

    def _present(self, ids: Sequence[str], deadline: Deadline) -> Iterable[Instance]:
        """Those of the ids that are there: a filter, unlike a list of ids, takes unknown ones for no error."""
        for start in range(0, len(ids), 200):
            chunk = [*ids[start : start + 200]]
            yield from self._described(filters(instance_id=chunk), deadline)

    def _earlier(
        self, launches: Sequence[Launch], token: str, deadline: Deadline
    ) -> dict[str, dict[int, Instance | CloudError]]:
        """Answers, by launch, that earlier calls with this token have settled. Conflict if it was used for other specs."""
        found = list(self.list({names.TOKEN: token}, deadline=deadline)) if launches else []
        known = {launch.tags[LAUNCH]: launch for launch in launches}
        if any(instance.labels.get(LAUNCH) not in known for instance in found):
            raise self._conflict("IdempotentParameterMismatch", f"token {token} was used for other specs; make a new one")
        if found and all(instance.state.gone for instance in found):
            raise self._conflict("IdempotentInstanceTerminated", f"all instances of token {token} are deleted; make a new one")
        settled = {}
        for tag, launch in known.items():
            members = [instance for instance in found if instance.labels[LAUNCH] == tag]
            if members and (len(members) == len(launch.places) or all(map(self._is_visible, members))):
                settled[launch.token] = self._bind(launch, members)
        return settled

    def _is_visible(self, instance: Instance) -> bool:
        return instance.created_at is not None and self.clock.now() - instance.created_at.timestamp() > _VISIBLE

    def _choices(self, launches: Iterable[Launch], deadline: Deadline) -> dict[str, Choice]:
        """What is chosen for each launch, by its token; looked up once for specs that differ in name and labels alone."""
        found: dict[str, Choice] = {}
        choices = {}
        for launch in launches:
            bare = fingerprint([launch.spec.model_copy(update={"name": None, "labels": {}})])
            if bare not in found:
                found[bare] = self._chooser.choose(launch.spec, deadline)
            choices[launch.token] = found[bare]
        return choices

    def _launch(self, launch: Launch, choice: Choice, deadline: Deadline) -> dict[int, Instance | CloudError]:
        where = Where("aws", self.region, launch.spec.zone, choice.machine_type, launch.spec.purchase)
        groups = self._network.open(launch, deadline)
        wanted = parameters(launch, choice, groups)
        try:
            answer = self._client.call("run_instances", where=where, deadline=deadline, **wanted)
        except CloudError as error:
            if launch.openings and not isinstance(error, _MAY_COME):
                self._network.delete(groups[-1], deadline)
            if isinstance(error, _ANSWERS):
                return dict.fromkeys(launch.places, error)
            raise
        return self._bind(launch, [read_instance(found, self.region) for found in answer["Instances"]])

    def _bind(self, launch: Launch, members: Sequence[Instance]) -> dict[int, Instance | CloudError]:
        """Which instance is for which place of the batch; a place without one had no room."""
        first = members[0]
        where = Where("aws", self.region, first.zone, first.machine_type, launch.spec.purchase)
        code, message = "InsufficientInstanceCapacity", f"room for {len(members)} of {len(launch.places)} instances"
        answers: dict[int, Instance | CloudError] = dict.fromkeys(launch.places, translate(TABLE, code, message, where))
        for instance in members:
            answers[launch.places[instance.native["AmiLaunchIndex"]]] = instance
        return answers

    def _terminate(self, ids: Sequence[str], deadline: Deadline) -> None:
        """Terminate, halving the ids around those that EC2 does not know: it refuses all for one, and says not by code which.

        EC2's answer to the call itself is what counts: lists may not show yet what was launched a moment ago.
        """
        try:
            self._client.call("terminate_instances", InstanceIds=[*ids], deadline=deadline)
        except NotFound:
            if len(ids) > 1:
                self._terminate(ids[: len(ids) // 2], deadline)
                self._terminate(ids[len(ids) // 2 :], deadline)

    def _conflict(self, code: str, message: str) -> Conflict:
        return Conflict(message, provider=self.provider, code=code)
