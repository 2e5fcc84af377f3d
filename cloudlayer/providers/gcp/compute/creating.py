"""How instances are made so that a token makes each but once: look, insert what is not there, follow each insert to its end.

A lack of capacity shows at the end of an insert. Where a spec names no zone, the next one that sells its type is tried then.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cloudlayer.errors import (
    CapacityError,
    CloudError,
    NotFound,
    QuotaError,
    RejectedSpec,
    TransientError,
    Unsupported,
)
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.providers.base.errors import Where, capacity_scope, hide
from cloudlayer.providers.gcp.client import Client, basename
from cloudlayer.providers.gcp.codes import EXISTS
from cloudlayer.providers.gcp.compute.attempts import Attempts, Place, by_place, request_id, token_used_up
from cloudlayer.providers.gcp.compute.choices import Choices
from cloudlayer.providers.gcp.compute.gone import gone, reason_of
from cloudlayer.providers.gcp.compute.instances import read_instance
from cloudlayer.providers.gcp.compute.launches import Launch
from cloudlayer.providers.gcp.compute.properties import Choice, Wanted, network_of, properties
from cloudlayer.providers.gcp.errors import from_operation
from cloudlayer.providers.gcp.firewall import Firewall
from cloudlayer.providers.gcp.marks import MAY_COME, PLACE, read_labels
from cloudlayer.resources import Instance, InstanceState

_ANSWERS: Final = (CapacityError, QuotaError, RejectedSpec, Unsupported)
"""Errors that hit one spec; any other is one of the whole call."""

_AT_ONCE: Final = 8
"""Inserts that are asked for at the same time."""


@dataclass
class _Job:
    """A launch on its way: the zones that are left to try, what failed before by zone, and the insert under way, if any."""

    launch: Launch
    failed: Counter[str]
    operation: Any = None
    choice: Choice | None = None
    zones: list[str] = field(default_factory=list)
    zone: str | None = None


class Creating:
    """Makes the instances of batches."""

    def __init__(self, client: Client, choices: Choices, firewall: Firewall) -> None:
        self._client = client
        self._choices = choices
        self._firewall = firewall
        self._attempts = Attempts(client)

    def create(self, launches: Sequence[Launch], deadline: Deadline) -> list[Instance | CloudError]:
        """An answer for each launch. Nothing is made before all of them are found good."""
        token = launches[0].token
        places = self._attempts.earlier(launches, deadline)
        used_up = {number for number, place in places.items() if self._attempts.used_up(place, deadline)}
        if used_up and not any(place.instances or place.pending for place in places.values()):
            raise token_used_up(token)
        answers: dict[int, Instance | CloudError] = dict.fromkeys(used_up, token_used_up(token))
        jobs = [
            _Job(launch, places[launch.place].failed, next(iter(places[launch.place].pending), None))
            for launch in launches
            if launch.place not in used_up and (places[launch.place].pending or not places[launch.place].instances)
        ]
        answers |= self._made(jobs, deadline)
        left = [launch for launch in launches if launch.place not in answers]
        answers |= self._bound(left, self._found(places, jobs, deadline) if left else {}, deadline)
        return [answers[launch.place] for launch in launches]

    def _made(self, jobs: Sequence[_Job], deadline: Deadline) -> dict[int, Instance | CloudError]:
        """Make what is not there; answers by the places that there is no living instance for."""
        try:
            self._prepare([job for job in jobs if job.operation is None], deadline)
            settled = self._rounds(jobs, deadline)
        except MAY_COME:
            raise
        except CloudError:
            self._drop_rules(jobs, deadline)
            raise
        if settled:
            self._drop_rules(jobs, deadline)
        return settled

    def _rounds(self, jobs: Sequence[_Job], deadline: Deadline) -> dict[int, Instance | CloudError]:
        """Insert and follow, zone after zone, until each job has its instance or no zone is left to try."""
        settled: dict[int, Instance | CloudError] = {}
        under_way = list(jobs)
        while under_way:
            refused = self._insert([job for job in under_way if job.operation is None], deadline)
            outcomes = [(job, refused.get(job.launch.place) or self._follow(job, deadline)) for job in under_way]
            for _, outcome in outcomes:
                if isinstance(outcome, CloudError) and not isinstance(outcome, _ANSWERS):
                    raise outcome
            under_way = []
            for job, outcome in outcomes:
                if isinstance(outcome, CapacityError) and self._has_another_zone(job, deadline):
                    under_way.append(job)
                elif outcome is not None:
                    settled[job.launch.place] = _of_all_zones(outcome, job)
        return settled

    def _prepare(self, jobs: Iterable[_Job], deadline: Deadline) -> None:
        """Choose for each job, once for specs that differ in name and labels alone, and open what they ask for."""
        chosen: dict[str, Choice] = {}
        wanted = list(jobs)
        for job in wanted:
            bare = fingerprint([job.launch.spec.model_copy(update={"name": None, "labels": {}})])
            if bare not in chosen:
                chosen[bare] = self._choices.choose(job.launch.spec, deadline)
            job.choice = chosen[bare]
            job.zones = list(job.choice.zones)
        for launch in {_tag(self._firewall, job.launch): job.launch for job in wanted if job.launch.opened}.values():
            network = network_of(self._client, launch.overrides)
            tag, marks = _tag(self._firewall, launch), _shared(launch)
            self._firewall.open(tag, launch.opened, network=network, marks=marks, deadline=deadline)

    def _insert(self, jobs: Sequence[_Job], deadline: Deadline) -> dict[int, CloudError]:
        """Ask for an instance for each job in its next zone, some at once; errors of those that are refused, by place."""
        if not jobs:
            return {}
        with ThreadPoolExecutor(min(_AT_ONCE, len(jobs))) as pool:
            tried = list(pool.map(lambda job: self._try(job, deadline), jobs))
        for error in tried:
            if isinstance(error, MAY_COME):
                raise error
        return {job.launch.place: error for job, error in zip(jobs, tried, strict=True) if error is not None}

    def _try(self, job: _Job, deadline: Deadline) -> CloudError | None:
        job.zone = job.zones.pop(0)
        body = self._body(job, job.zone, deadline)
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        try:
            job.operation = self._client.begin(
                "instances",
                "insert",
                zone=job.zone,
                instance_resource=body,
                request_id=request_id(job.launch, job.zone, digest, job.failed[job.zone]),
                where=self._where(job),
                deadline=deadline,
            )
        except CloudError as error:
            hide(error, job.launch.spec.user_data)
            return None if error.code in EXISTS else _of_spec(error)
        return None

    def _follow(self, job: _Job, deadline: Deadline) -> Instance | CloudError | None:
        """Wait for a job's insert: None if there is an instance, else the error, or the instance that ended before it ran."""
        if job.operation is None:
            return None  # the name was taken: by another caller with this token, whose instance is looked for afterwards
        operation = self._client.ended(job.operation, deadline=deadline)
        job.operation, job.zone = None, basename(operation.zone)
        error = from_operation(operation, self._where(job))
        if error is None or error.code in EXISTS:
            return None
        if isinstance(error, TransientError):
            return self._failed(job, operation)
        job.failed[job.zone] += 1
        hide(error, job.launch.spec.user_data)
        return _of_spec(error)

    def _failed(self, job: _Job, operation: Any) -> Instance:
        """The instance that the cloud took up and could not bring to run, by a fault of its own."""
        zone, name = basename(operation.zone), job.launch.name
        lost = gone(self._client.region, zone, name, InstanceState.FAILED, reason_of(operation))
        machine = self._where(job).machine_type or ""
        return replace(lost, machine_type=machine, name=job.launch.spec.name, labels=read_labels(job.launch.marks))

    def _has_another_zone(self, job: _Job, deadline: Deadline) -> bool:
        """Whether a job has a zone to try yet. One that another call began is chosen for now, and goes on where that ended."""
        if job.choice is None:
            self._prepare([job], deadline)
            job.zones = [zone for zone in job.zones if zone != job.zone]
        return bool(job.zones)

    def _body(self, job: _Job, zone: str, deadline: Deadline) -> dict[str, Any]:
        launch, choice = job.launch, job.choice or self._choices.choose(job.launch.spec, deadline)
        tags = (_tag(self._firewall, launch),) if launch.opened else ()
        wanted = Wanted(launch.spec, launch.overrides, choice, launch.marks, tags)
        return {"name": launch.name, **properties(self._client, wanted, zone=zone, name=launch.name)}

    def _where(self, job: _Job) -> Where:
        spec = job.launch.spec
        machine = str(job.choice.machine) if job.choice else spec.machine_type
        return Where("gcp", self._client.region, job.zone, machine, spec.purchase)

    def _found(self, places: Mapping[int, Place], jobs: Sequence[_Job], deadline: Deadline) -> dict[int, list[Any]]:
        """The living instances by place, now that the jobs are done; a list that is a moment behind is helped on."""
        if not jobs:
            return {number: place.instances for number, place in places.items()}
        doomed = {deleted for place in places.values() for deleted in place.deleted}
        found = by_place(self._attempts.alive(jobs[0].launch.token, deadline), doomed)
        for job in jobs:
            if job.zone and job.launch.place not in found:
                with suppress(NotFound):
                    name = job.launch.name
                    one = self._client.call("instances", "get", zone=job.zone, instance=name, deadline=deadline)
                    found[job.launch.place] = [one]
        return found

    def _bound(
        self, launches: Iterable[Launch], found: Mapping[int, Sequence[Any]], deadline: Deadline
    ) -> dict[int, Instance | CloudError]:
        """Which instance is for which place; of two in one place, the younger one is deleted."""
        bound: dict[int, Instance | CloudError] = {}
        for launch in launches:
            instances = found.get(launch.place, ())
            for twin in instances[1:]:
                self._client.remove("instances", zone=basename(twin.zone), instance=twin.name, deadline=deadline)
            bound[launch.place] = read_instance(instances[0], self._client.region) if instances else token_used_up(launch.token)
        return bound

    def _drop_rules(self, jobs: Iterable[_Job], deadline: Deadline) -> None:
        """Take away the firewall rules that no instance came to be under, seeing them gone: another try makes them anew."""
        tags = {_tag(self._firewall, job.launch): job.launch.token for job in jobs if job.launch.opened}
        if tags:
            alive = self._attempts.alive(next(iter(tags.values())), deadline)
            used = {tag for one in alive for tag in one.tags.items}
            self._firewall.close(set(tags) - used, deadline, wait=True)


def _shared(launch: Launch) -> dict[str, str]:
    """The marks of what several instances of a batch may have together."""
    return {name: value for name, value in launch.marks.items() if name != PLACE}


def _tag(firewall: Firewall, launch: Launch) -> str:
    return firewall.tag(_shared(launch), launch.opened)


def _of_spec(error: CloudError) -> CloudError:
    """The error of an insert: what is not there then is something that the spec names, such as its image."""
    if not isinstance(error, NotFound):
        return error
    return RejectedSpec(error.message, provider=error.provider, code=error.code, request_id=error.request_id)


def _of_all_zones(outcome: Instance | CloudError, job: _Job) -> Instance | CloudError:
    """The outcome; a lack of capacity that every zone had is one of the region."""
    tried_all = job.choice is not None and len(job.choice.zones) > 1
    if isinstance(outcome, CapacityError) and outcome.avoid and tried_all:
        outcome.avoid = replace(outcome.avoid, zone=None)
        outcome.scope = capacity_scope(outcome.avoid)
    return outcome
