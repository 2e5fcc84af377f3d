"""The cloud's side of scaling groups. Every function checks before it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cloudlayer.errors import Conflict, NotFound, RejectedSpec
from cloudlayer.labels import SPEC, TOKEN
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.providers.simulated import balancers, cloud, limits, members, pieces, policies, tokens, views
from cloudlayer.providers.simulated.catalogue import PROVIDER, REGIONS
from cloudlayer.resources import (
    GroupMember,
    InstanceState,
    ScalingGroup,
    ScalingGroupSpec,
    ScalingGroupState,
    StepPolicy,
    TargetSpec,
)
from cloudlayer.runtime.simulated.records import Document, course, settings_of
from cloudlayer.runtime.simulated.things import Change, GroupRecord

KIND: Final = "scaling group"


def create(
    document: Document,
    now: float,
    region: str,
    spec: ScalingGroupSpec,
    *,
    token: str,
    digest: str,
    labels: Mapping[str, str],
    made_with: Sequence[str],
) -> ScalingGroup:
    """The group of this token, made if it is not there, with its first members on their way."""
    known = tokens.bound(document, now, document["groups"], KIND, token=token, digest=digest)
    if known is not None:
        return group(document, now, known, views.current(known, now))
    pieces.check(document, made_with)
    _check(document, now, region, spec)
    limits.check_count(document, now, "groups")
    document["serial"] += 1
    key = f"grp-{document['serial']:08d}"
    record = GroupRecord(
        id=key,
        region=region,
        name=spec.name,
        labels=dict(labels),
        token=token,
        created_at=now,
        spec=spec.model_dump(mode="json"),
        version=_version(spec),
        pieces=list(made_with),
        min=spec.min,
        max=spec.max,
        desired=spec.min if spec.desired is None else spec.desired,
        members={},
        metrics={},
        cooling={},
        requests={},
        lack=None,
        failures=0,
        retry_at=now,
        seen_at=now,
        next_at=now,
        timeline=[],
    )
    course(record, document, now, (0.0, ScalingGroupState.CREATING, None))
    document["groups"][key] = record
    tokens.bind(document, KIND, token, digest, key)
    _join(document, now, region, record, spec.balancer)
    members.pass_time(document, now)
    return group(document, now, record, views.current(record, now))


def update(
    document: Document, now: float, region: str, id: str, spec: ScalingGroupSpec, *, made_with: Sequence[str]
) -> ScalingGroup:
    """Bring the group to `spec`, with these pieces beside those that it has."""
    record = views.there(document["groups"], id, KIND, now, region)
    if spec.name != record["name"]:
        raise Conflict(f"{id} is named {record['name']} for good: make another group", provider=PROVIDER, code="NameIsFixed")
    pieces.check(document, made_with)
    _check(document, now, region, spec)
    before = record["spec"]["balancer"]
    if before != spec.balancer and before in document["balancers"]:
        balancers.take_out(document["balancers"][before], id, now)
    _join(document, now, region, record, spec.balancer)
    record["spec"], record["version"] = spec.model_dump(mode="json"), _version(spec)
    record["pieces"] = sorted({*record["pieces"], *made_with})
    record["failures"], record["retry_at"] = 0, now
    record["min"], record["max"] = spec.min, spec.max
    record["desired"] = policies.bounded(record, record["desired"] if spec.desired is None else spec.desired)
    _relabel(document, record, spec)
    _wake(document, now, record)
    return group(document, now, record, views.current(record, now))


def set_desired(document: Document, now: float, region: str, id: str, size: int) -> None:
    """Ask for `size` members."""
    record = views.there(document["groups"], id, KIND, now, region)
    if not record["min"] <= size <= record["max"]:
        message = f"desired: {size} is outside of {record['name']}'s bounds, {record['min']} to {record['max']}"
        raise RejectedSpec(message, provider=PROVIDER, code="OutOfBounds")
    record["desired"] = size
    _wake(document, now, record)


def execute(document: Document, now: float, region: str, id: str, policy: str, *, request: str) -> float:
    """Take a policy's step, once for each request; 0, or for how many seconds the policy still rests."""
    record = views.there(document["groups"], id, KIND, now, region)
    spec = ScalingGroupSpec.model_validate(record["spec"])
    found = [each for each in spec.policies if isinstance(each, StepPolicy) and each.name == policy]
    if not found:
        raise NotFound(f"{id} has no step policy {policy}", provider=PROVIDER, code="NoSuchPolicy")
    if record["requests"].get(policy) == request:
        return 0.0
    left = record["cooling"].get(policy, now) - now
    if left > 0:
        return left
    policies.step(record, found[0], now)
    record["requests"][policy] = request
    _wake(document, now, record)
    return 0.0


def describe(document: Document, now: float, region: str, id: str) -> ScalingGroup:
    """The group as a reader sees it."""
    return _seen(document, now, *views.describe(document, now, document["groups"], id, KIND, region=region))


def closed(document: Document, now: float, region: str, id: str) -> str | None:
    """The token of a group that has no firewall, None if it has one."""
    record = views.there(document["groups"], id, KIND, now, region)
    kinds = [pieces.kind_of(piece) for piece in record["pieces"]]
    return None if "firewall" in kinds else record["token"]


def page(
    document: Document, now: float, region: str, labels: Mapping[str, str], after: str | None
) -> tuple[list[ScalingGroup], str | None]:
    """One page of the region's groups."""
    found, more = views.page(document, now, document["groups"], region=region, labels=labels, after=after)
    return [_seen(document, now, record, change) for record, change in found], more


def delete(document: Document, now: float, region: str, id: str) -> list[str]:
    """Begin to delete the group and its members; one that is not there is no error. The pieces that it was made with."""
    record = document["groups"].get(id)
    if record is None or record["region"] != region:
        return []
    if not views.gone(record, now):
        cloud.terminate(document, now, record["members"])
        seconds = settings_of(document).delete_seconds
        course(record, document, now, (0.0, ScalingGroupState.DELETING, None), (seconds, ScalingGroupState.DELETED, None))
        record["next_at"], record["members"] = None, {}
    return record["pieces"]


def group(document: Document, now: float, record: GroupRecord, change: Change) -> ScalingGroup:
    """The group in the state of `change`, with its members as they are."""
    return ScalingGroup(
        id=record["id"],
        provider=PROVIDER,
        region=record["region"],
        state=ScalingGroupState(change["state"]),
        name=record["name"],
        min=record["min"],
        max=record["max"],
        desired=record["desired"],
        members=tuple(_member(document, now, member) for member in sorted(record["members"])),
        balancers=tuple(sorted(each["id"] for each in balancers.of_group(document, now, record["id"]))),
        labels=dict(record["labels"]),
        reason=change["reason"],
    )


def _seen(document: Document, now: float, record: GroupRecord, change: Change) -> ScalingGroup:
    """The group for a reader who saw `change`: what lags behind is whether it is there, never its state behind its members."""
    return group(document, now, record, change if views.gone(record, now) else views.current(record, now))


def _member(document: Document, now: float, id: str) -> GroupMember:
    record = document["instances"][id]
    state = InstanceState(views.current(record, now)["state"])
    return GroupMember(id, record["zone"], state, healthy=state is InstanceState.RUNNING)


def _check(document: Document, now: float, region: str, spec: ScalingGroupSpec) -> None:
    unknown = [zone for zone in spec.zones if zone not in REGIONS[region]]
    if unknown:
        message = f'zones: "{unknown[0]}" is none of {region}: there are {", ".join(REGIONS[region])}'
        raise RejectedSpec(message, provider=PROVIDER, code="NoSuchZone")
    policies.check(spec)
    members.check(document, region, spec)
    if spec.balancer is not None:
        views.there(document["balancers"], spec.balancer, balancers.KIND, now, region)


def _join(document: Document, now: float, region: str, record: GroupRecord, balancer: str | None) -> None:
    if balancer is not None:
        held = views.there(document["balancers"], balancer, balancers.KIND, now, region)
        balancers.add(held, TargetSpec(group=record["id"]), now)


def _version(spec: ScalingGroupSpec) -> str:
    """What differs when members made from the one specification are not fit for the other."""
    return f"{fingerprint([spec.template])} {' '.join(spec.machine_types)}".strip()


def _relabel(document: Document, record: GroupRecord, spec: ScalingGroupSpec) -> None:
    own = {name: value for name, value in record["labels"].items() if name in (TOKEN, SPEC)}
    record["labels"] = {**spec.labels, **own}
    for member in record["members"]:
        document["instances"][member]["labels"] = members.labels(record, spec)
    for piece in (document["pieces"][known] for known in record["pieces"]):
        piece["labels"] = {**spec.labels, **{name: piece["labels"][name] for name in (TOKEN, SPEC)}}


def _wake(document: Document, now: float, record: GroupRecord) -> None:
    record["next_at"] = now
    members.pass_time(document, now)
