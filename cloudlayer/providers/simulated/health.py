"""What the simulated cloud's balancers think of their targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from cloudlayer.providers.simulated import views
from cloudlayer.providers.simulated.balancers import KIND
from cloudlayer.resources import HealthCheck, LoadBalancerState, TargetHealth
from cloudlayer.runtime.simulated.records import Document, at
from cloudlayer.runtime.simulated.things import BalancerRecord, TargetRecord

Told = tuple[Literal["healthy", "unhealthy", "draining", "initial"], str | None]


def health(document: Document, now: float, region: str, id: str) -> list[TargetHealth]:
    """Each target of the balancer and its health, the members of groups each by itself, once each."""
    record = views.there(document["balancers"], id, KIND, now, region)
    told: dict[str, TargetHealth] = {}
    for target, held in sorted(record["targets"].items(), key=lambda item: item[1]["kind"] == "group"):
        if held["until"] is None or now < held["until"]:
            for each in _targets(document, target, held):
                told.setdefault(each, TargetHealth(each, *_told(document, record, held, each, now)))
    return list(told.values())


def _targets(document: Document, target: str, held: TargetRecord) -> Iterator[str]:
    if held["kind"] != "group":
        yield target
    elif target in document["groups"]:
        yield from document["groups"][target]["members"]


def _told(document: Document, record: BalancerRecord, held: TargetRecord, target: str, now: float) -> Told:
    if held["until"] is not None:
        return "draining", "it is being taken out"
    serving = [change["at"] for change in record["timeline"] if change["state"] == LoadBalancerState.ACTIVE]
    since = max(held["since"], *serving)
    if held["kind"] != "address":
        change = at(document["instances"][target]["timeline"], now)
        state = change["state"] if change is not None else "pending"
        if state == "pending":
            return "initial", "its instance is pending"
        if state != "running":
            return "unhealthy", f"its instance is {state}"
        since = max(since, change["at"] if change is not None else since)
    check = HealthCheck.model_validate(record["spec"]["health_check"])
    if now < since + check.interval * check.healthy_after:
        return "initial", "not checked often enough yet"
    return "healthy", None
