"""The labels of a group's members that stay: a changed template gives them to new ones alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cloudlayer.errors import NotFound
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.patience import insist
from cloudlayer.providers.gcp.client import Client, basename
from cloudlayer.providers.gcp.codes import NOT_READY, STALE


class MemberLabels:
    """Labels of members in one region."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def change(self, instance: str, old: Mapping[str, str], new: Mapping[str, str], deadline: Deadline) -> None:
        """Give the instance at a URL the labels `new` in the place of `old`; one that is gone is no error."""
        zone, name = instance.split("/")[-3], basename(instance)

        def attempt() -> None:
            found = self._client.call("instances", "get", zone=zone, instance=name, deadline=deadline)
            present = dict(found.labels)
            kept = {key: value for key, value in present.items() if key in new or key not in old}
            wanted: dict[str, Any] = {"labels": {**kept, **new}, "label_fingerprint": found.label_fingerprint}
            if wanted["labels"] != present:
                body: dict[str, Any] = {"instances_set_labels_request_resource": wanted}
                self._client.run("instances", "set_labels", zone=zone, instance=name, deadline=deadline, **body)

        with suppress(NotFound):
            insist(attempt, (*STALE, *NOT_READY), self._clock, deadline, f"labelling {name}")
