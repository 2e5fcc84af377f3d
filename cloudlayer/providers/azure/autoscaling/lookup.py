"""Groups as they are now: scale sets with their members and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.autoscaling.groups import Seen, read_group
from cloudlayer.providers.azure.autoscaling.members import Members
from cloudlayer.providers.azure.autoscaling.outcomes import Outcomes
from cloudlayer.providers.azure.autoscaling.settings import labels_of
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.creation import SETS, SETTINGS, Things
from cloudlayer.providers.azure.marks import read_labels, same_id, tags_of
from cloudlayer.resources import ScalingGroup


class GroupLookup:
    """Looks up groups in one resource group and location."""

    def __init__(self, client: Client, members: Members, outcomes: Outcomes) -> None:
        self._client = client
        self._members = members
        self._outcomes = outcomes
        self._sets = Things(client, SETS)
        self._settings = Things(client, SETTINGS)

    def seen(self, group: str, deadline: Deadline) -> Seen:
        """A group in its parts; NotFound if its set is not there."""
        found = self._sets.get(group, deadline)
        return Seen(found, self._members.of(found, deadline), self._setting(found, deadline))

    def get(self, group: str, deadline: Deadline) -> ScalingGroup:
        """A group; NotFound if it is not there."""
        return self._read(self.seen(group, deadline), deadline)

    def list(self, labels: Mapping[str, str], deadline: Deadline) -> list[ScalingGroup]:
        """Every group that carries all of the labels."""
        found = [item for item in self._sets.all(deadline) if labels.items() <= read_labels(tags_of(item)).items()]
        if not found:
            return []
        settings = {_target(item): item for item in self._settings.all(deadline, anywhere=True)}
        labelled = [item for item in found if _carries(settings.get(_key(item)), labels)]
        members = self._members.of_all(labelled, deadline)
        return [self._read(Seen(item, members.get(_key(item), []), settings.get(_key(item))), deadline) for item in labelled]

    def view(self, found: Mapping[str, Any], deadline: Deadline) -> Any:
        """What tells why a set has failed; None where nothing does."""
        return self._outcomes.view(found, deadline)

    def _read(self, seen: Seen, deadline: Deadline) -> ScalingGroup:
        view = None if seen.settled else self.view(seen.found, deadline)
        return read_group(seen, self._client.region, view)

    def _setting(self, found: Mapping[str, Any], deadline: Deadline) -> Any:
        """The setting of the set's name, if it is the set's."""
        setting = self._settings.find(found["name"], deadline)
        return setting if setting is not None and same_id(_target(setting), found["id"]) else None


def _carries(setting: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether the group itself carries the labels, and not its template alone."""
    return setting is None or labels.items() <= labels_of(setting).items()


def _target(setting: Mapping[str, Any]) -> str:
    return str(setting["properties"].get("targetResourceUri", "")).lower()


def _key(found: Mapping[str, Any]) -> str:
    return str(found["id"]).lower()
