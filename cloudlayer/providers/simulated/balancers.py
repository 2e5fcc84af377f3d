"""The cloud's side of load balancers. Every function checks before it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from cloudlayer.providers.simulated import limits, pieces, tokens, views
from cloudlayer.providers.simulated.catalogue import PROVIDER
from cloudlayer.resources import Listener, LoadBalancer, LoadBalancerSpec, LoadBalancerState, TargetSpec
from cloudlayer.runtime.simulated.records import Document, course, settings_of
from cloudlayer.runtime.simulated.things import BalancerRecord, Change, TargetRecord

KIND: Final = "load balancer"


def create(
    document: Document,
    now: float,
    region: str,
    spec: LoadBalancerSpec,
    *,
    token: str,
    digest: str,
    labels: Mapping[str, str],
    made_with: Sequence[str],
) -> LoadBalancer:
    """The balancer of this token, made if it is not there."""
    known = tokens.bound(document, now, document["balancers"], KIND, token=token, digest=digest)
    if known is not None:
        return balancer(known, views.current(known, now))
    pieces.check(document, made_with)
    _check_targets(document, now, region, spec.targets)
    limits.check_count(document, now, "balancers")
    document["serial"] += 1
    number = document["serial"]
    key = f"lb-{number:08d}"
    record = BalancerRecord(
        id=key,
        region=region,
        name=spec.name,
        labels=dict(labels),
        created_at=now,
        spec=spec.model_dump(mode="json"),
        pieces=list(made_with),
        address=f"{'203.0' if spec.public else '10.1'}.{number // 256 % 256}.{number % 256}",
        targets={},
        timeline=[],
    )
    seconds = settings_of(document).balancer_seconds
    views.begin(record, document, now, "balancer.create", seconds=seconds, ready=LoadBalancerState.ACTIVE)
    for target in spec.targets:
        add(record, target, now)
    document["balancers"][key] = record
    tokens.bind(document, KIND, token, digest, key)
    return balancer(record, views.current(record, now))


def describe(document: Document, now: float, region: str, id: str) -> LoadBalancer:
    """The balancer as a reader sees it."""
    return balancer(*views.describe(document, now, document["balancers"], id, KIND, region=region))


def page(
    document: Document, now: float, region: str, labels: Mapping[str, str], after: str | None
) -> tuple[list[LoadBalancer], str | None]:
    """One page of the region's balancers."""
    found, more = views.page(document, now, document["balancers"], region=region, labels=labels, after=after)
    return [balancer(record, change) for record, change in found], more


def register(document: Document, now: float, region: str, id: str, targets: Sequence[TargetSpec]) -> None:
    """Add targets, all of them or none."""
    record = views.there(document["balancers"], id, KIND, now, region)
    _check_targets(document, now, region, targets)
    for target in targets:
        add(record, target, now)


def deregister(document: Document, now: float, region: str, id: str, targets: Sequence[TargetSpec]) -> float:
    """Begin to take targets out; for how many seconds the last of them still drains."""
    record = views.there(document["balancers"], id, KIND, now, region)
    left = [take_out(record, target.id, now) for target in targets]
    return max(left, default=0.0)


def delete(document: Document, now: float, region: str, id: str) -> list[str]:
    """Begin to delete the balancer; one that is not there is no error. The pieces that it was made with."""
    record = document["balancers"].get(id)
    if record is None or record["region"] != region:
        return []
    if not views.gone(record, now):
        seconds = settings_of(document).delete_seconds
        course(record, document, now, (0.0, LoadBalancerState.DELETING, None), (seconds, LoadBalancerState.DELETED, None))
    return record["pieces"]


def add(record: BalancerRecord, target: TargetSpec, now: float) -> None:
    """Let the balancer have a target; one that it has stays as it is."""
    held = record["targets"].get(target.id)
    if held is None or held["until"] is not None:
        record["targets"][target.id] = TargetRecord(kind=_kind(target), since=now, until=None)


def take_out(record: BalancerRecord, target: str, now: float) -> float:
    """Let a target drain, if the balancer has it; for how many seconds it still does."""
    held = record["targets"].get(target)
    if held is None:
        return 0.0
    until: float = now + record["spec"]["drain"] if held["until"] is None else held["until"]
    held["until"] = until
    return max(0.0, until - now)


def of_group(document: Document, now: float, group: str) -> list[BalancerRecord]:
    """The balancers that have the group as a target."""
    found = [record for record in document["balancers"].values() if not views.gone(record, now)]
    return [record for record in found if group in record["targets"] and record["targets"][group]["until"] is None]


def balancer(record: BalancerRecord, change: Change) -> LoadBalancer:
    """The balancer in the state of `change`."""
    return LoadBalancer(
        id=record["id"],
        provider=PROVIDER,
        region=record["region"],
        state=LoadBalancerState(change["state"]),
        name=record["name"],
        address=record["address"],
        listeners=tuple(Listener.model_validate(listener) for listener in record["spec"]["listeners"]),
        labels=dict(record["labels"]),
        reason=change["reason"],
    )


def _check_targets(document: Document, now: float, region: str, targets: Iterable[TargetSpec]) -> None:
    for target in targets:
        if target.instance is not None:
            views.there(document["instances"], target.instance, "instance", now, region)
        if target.group is not None:
            views.there(document["groups"], target.group, "scaling group", now, region)


def _kind(target: TargetSpec) -> Literal["instance", "address", "group"]:
    if target.instance is not None:
        return "instance"
    return "group" if target.group is not None else "address"
