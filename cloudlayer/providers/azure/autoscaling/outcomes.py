"""What a scale set failed with: told by its own view, or by the operation that failed, since flexible sets have no view.

Azure keeps an operation's end for some hours, under an address that it tells once, with the answer that began it. So a flexible
set's failure is known to the process that asked for the change; any other is told where to look.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.autoscaling.models import is_flexible
from cloudlayer.providers.azure.client import Client
from cloudlayer.providers.azure.errors import read_fault
from cloudlayer.providers.azure.operations import Answer

Document = Mapping[str, Any]


class Outcomes:
    """Views of the scale sets in one resource group. Thread-safe."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._begun: dict[str, Answer] = {}

    def note(self, name: str, answer: Answer) -> None:
        """Keep in mind the answer to the latest change of a set."""
        with self._lock:
            self._begun[name.lower()] = answer

    def view(self, found: Document, deadline: Deadline) -> Any:
        """The view of a set that is described, as far as it tells of a failure; None where nothing does."""
        name = str(found["name"])
        if not is_flexible(found):
            operation = "virtual_machine_scale_sets.get_instance_view"
            return self._client.find("compute", operation, self._client.group, name, deadline=deadline)
        if str(found["properties"].get("provisioningState")).lower() != "failed":
            return None
        with self._lock:
            answer = self._begun.get(name.lower())
        code, message = read_fault(self._client.outcome(answer, deadline=deadline)) if answer else ("", "")
        return {"statuses": [{"code": f"ProvisioningState/failed/{code}", "message": message}]} if code else None
