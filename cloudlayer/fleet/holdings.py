"""What a provider holds that carries our owner label: of every kind that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudlayer.fleet.kinds import GROUP, KINDS
from cloudlayer.fleet.service import Fleets
from cloudlayer.interfaces import Provider
from cloudlayer.labels import OWNER, TOKEN
from cloudlayer.resources import Instance, InstanceState, Leftover, Volume


@dataclass(frozen=True)
class Holdings:
    """What was listed at one provider, `things` by kind; what is deleted already is not among them."""

    provider: str
    leftovers: Sequence[Leftover]
    instances: Sequence[Instance]
    things: Mapping[str, Sequence[Any]]

    def groups(self) -> frozenset[str]:
        """The tokens of all groups that are there."""
        return _tokens(self.things.get(GROUP.name, ()))

    def is_member(self, instance: Instance) -> bool:
        """Whether an instance belongs to a group that is there, which then answers for it."""
        members = {member.instance for group in self.things.get(GROUP.name, ()) for member in group.members}
        return instance.id in members or instance.labels.get(TOKEN) in self.groups()

    def is_disk(self, volume: Volume) -> bool:
        """Whether a volume was made with an instance (or a group's member) that is there, and goes with it."""
        with_instances = _tokens(self.instances) | self.groups()
        attached = volume.attached_to is not None and volume.attached_to in {one.id for one in self.instances}
        return attached or volume.labels.get(TOKEN) in with_instances


def look(fleets: Fleets, name: str, owner: str | None = None) -> Holdings:
    """List everything of ours, or of another owner, at a provider; leftovers first, so that none is told whose thing came to be
    meanwhile."""
    provider, labels = fleets.clouds.provider(name), {OWNER: owner or fleets.store.owner}
    leftovers = provider.leftovers(labels, deadline=fleets.clouds.deadline())
    things = {
        kind.name: [
            one for one in kind.verbs(provider).list(labels, deadline=fleets.clouds.deadline()) if one.state.value != "deleted"
        ]
        for kind in KINDS.values()
        if _has(provider, kind.capability)
    }
    listed = provider.compute.list(labels, deadline=fleets.clouds.deadline())
    instances = [one for one in listed if one.state is not InstanceState.DELETED]
    return Holdings(name, leftovers, instances, things)


def _has(provider: Provider, capability: str) -> bool:
    """Snapshots and shares are of no provider that has no volumes."""
    whole = "volumes" if capability in ("volume_snapshots", "shares") else capability
    return bool(provider.capabilities[whole]) and bool(provider.capabilities[capability])


def _tokens(things: Sequence[Any]) -> frozenset[str]:
    return frozenset(one.labels[TOKEN] for one in things if TOKEN in one.labels)
