"""Things of a Pulumi stack that its state does not have: what was left when a program was killed, and never run again.

What a stack makes carries the stack's owner label from the moment it exists; its state has a thing only once that is made. So
what carries the label and is in no resource of the state belongs to nobody, unless a run of the stack is under way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import CloudLayerError, InvalidSpec, NotFound
from cloudlayer.fleet.clouds import canonical
from cloudlayer.fleet.findings import INSTANCE, LEFTOVER, Finding
from cloudlayer.fleet.hands import unhurried
from cloudlayer.fleet.holdings import Holdings, look
from cloudlayer.fleet.kinds import BALANCER, GROUP, KINDS, SHARE, SNAPSHOT, VOLUME, is_gone
from cloudlayer.fleet.service import Fleets
from cloudlayer.interfaces import Provider
from cloudlayer.labels import FLEET, OWNER, TOKEN

_OWNER_TYPE: Final = "pulumi-python:dynamic/cloudlayer:Owner"
_ORDER: Final = (GROUP.name, BALANCER.name, INSTANCE, SNAPSHOT.name, VOLUME.name, SHARE.name, LEFTOVER)
"""In which things are taken away: what is attached after what it is attached to."""
_PATIENCE: Final = 900.0
_WHY: Final = "it carries the stack's owner label, and is in no resource of its state"


@dataclass(frozen=True)
class StackState:
    """A stack as `pulumi stack export` writes it: its owner, its resources' ids, and how many operations were broken off."""

    owner: str
    ids: frozenset[str]
    pending: int


def read(path: Path) -> StackState:
    """Read an exported stack. InvalidSpec, with the mend, for a file that is none, or has nothing of ours."""
    try:
        deployment = json.loads(path.read_text(encoding="utf-8"))["deployment"]
        resources: Sequence[Mapping[str, Any]] = deployment.get("resources") or ()
    except OSError as error:
        raise InvalidSpec(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidSpec(f"{path}: is no stack as `pulumi stack export` writes it") from None
    owners = {one["outputs"]["owner"] for one in resources if one.get("type") == _OWNER_TYPE and one.get("outputs")}
    if len(owners) != 1:
        raise InvalidSpec(f"{path}: has {len(owners)} owners of cloudlayer's where one is needed: nothing of ours is in it")
    ids = frozenset(str(one["id"]) for one in resources if one.get("id"))
    return StackState(str(owners.pop()), ids, len(deployment.get("pending_operations") or ()))


def find(fleets: Fleets, state: StackState, providers: Sequence[str]) -> list[Finding]:
    """What the providers have of the stack that its state has not."""
    names = dict.fromkeys(canonical(fleets.clouds.provider(name)) for name in providers)
    return [finding for name in names for finding in _unknown(look(fleets, name, state.owner), state)]


def delete(fleets: Fleets, state: StackState, findings: Sequence[Finding]) -> list[tuple[Finding, CloudLayerError]]:
    """Delete them; returns when they are gone. One that cannot be deleted hinders none of the others: it is among the
    answers, with its error."""
    failures: list[tuple[Finding, CloudLayerError]] = []
    for finding in sorted(findings, key=lambda one: _ORDER.index(one.thing)):
        try:
            _delete(fleets, fleets.clouds.provider(finding.provider), state, finding)
        except CloudLayerError as error:
            failures.append((finding, error))
    return failures


def _unknown(held: Holdings, state: StackState) -> Iterator[Finding]:
    pieces = {piece.id for piece in held.leftovers}
    for kind, things in held.things.items():
        for one in things:
            is_part = kind == VOLUME.name and (held.is_disk(one) or one.id in pieces)
            if one.id not in state.ids and not is_gone(one) and not is_part:
                yield _finding(held.provider, one, kind)
    for instance in held.instances:
        if instance.id not in state.ids and not instance.state.gone and not held.is_member(instance):
            yield _finding(held.provider, instance, INSTANCE)
    for piece in held.leftovers:
        yield _finding(held.provider, piece, LEFTOVER, f"{piece.kind} of something that is not there")


def _finding(provider: str, one: Any, thing: str, why: str = _WHY) -> Finding:
    return Finding(provider, "unknown", one.id, one.labels.get(FLEET, ""), why, thing, one.labels.get(TOKEN, ""))


def _delete(fleets: Fleets, provider: Provider, state: StackState, finding: Finding) -> None:
    if finding.thing == INSTANCE:
        unhurried(fleets, lambda deadline: provider.compute.delete([finding.subject], deadline=deadline))
        with suppress(NotFound):
            provider.compute.wait(finding.subject, "deleted", timeout=_PATIENCE)
    elif finding.thing != LEFTOVER:
        _delete_thing(fleets, provider, finding)
    for piece in provider.leftovers({OWNER: state.owner}, deadline=fleets.clouds.deadline()):
        if piece.id == finding.subject or (finding.token and piece.labels.get(TOKEN) == finding.token):
            provider.delete_leftover(piece, deadline=fleets.clouds.deadline())


def _delete_thing(fleets: Fleets, provider: Provider, finding: Finding) -> None:
    verbs, subject = KINDS[finding.thing].verbs(provider), finding.subject
    with suppress(NotFound):
        if finding.thing == VOLUME.name and provider.storage.get(subject).attached_to is not None:
            unhurried(fleets, lambda deadline: provider.storage.detach(subject, deadline=deadline))
            provider.storage.wait(subject, "available", timeout=_PATIENCE)
        unhurried(fleets, lambda deadline: verbs.delete(subject, deadline=deadline))
        verbs.wait(subject, "deleted", timeout=_PATIENCE)
