"""The health of a balancer's targets: the worst that any listener's backend service says of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.load_balancing.members import Members, id_of, instance_of
from cloudlayer.providers.gcp.load_balancing.pieces import Pieces
from cloudlayer.providers.gcp.load_balancing.plans import Form, part, service_of
from cloudlayer.resources import TargetHealth

State = Literal["healthy", "unhealthy", "draining", "initial", "unknown"]

_STATES: Final[Mapping[str, State]] = {"HEALTHY": "healthy", "UNHEALTHY": "unhealthy", "DRAINING": "draining"}
_WORST_FIRST: Final = ("unhealthy", "draining", "unknown", "initial", "healthy")
_NOT_YET: Final = "no health check has told of it yet"


class Health:
    """Reads the health of targets in one region."""

    def __init__(self, client: Client, pieces: Pieces) -> None:
        self._client = client
        self._pieces = pieces
        self._members = Members(client)

    def of(self, id: str, form: Form, drains: Iterable[str], deadline: Deadline) -> list[TargetHealth]:
        """Each target of a balancer, and those of `drains` that are out of its groups and finish what they have begun."""
        found: dict[str, TargetHealth] = {}
        members: dict[str, set[str]] = {}
        for port, _, _ in form.listeners:
            for backend in service_of(self._pieces, id, form, port, deadline).backends:
                url = backend.group
                if url not in members:
                    members[url] = {id_of(member) for member in self._members.of(url, deadline)}
                states = self._states(form, part(id, port), url, deadline) if members[url] else {}
                for target in members[url]:
                    _note(found, _health(target, states.get(target)))
        for target in drains:
            if target not in found and ("/" in target or "." in target):  # a group's members stand for it
                found[target] = TargetHealth(target, "draining", "it was taken out, and finishes what it has begun")
        return [found[target] for target in sorted(found)]

    def _states(self, form: Form, service: str, group: str, deadline: Deadline) -> dict[str, str]:
        """What a backend service's health checks say of the members of a group, by their ids."""
        scope: dict[str, Any]
        name, scope = (
            ("region_backend_services", {"region": self._client.region}) if form.regional else ("backend_services", {})
        )
        answer = self._client.call(
            name,
            "get_health",
            backend_service=service,
            resource_group_reference_resource={"group": group},
            deadline=deadline,
            **scope,
        )
        return {_target(status): status.health_state for status in answer.health_status}


def _target(status: Any) -> str:
    return instance_of(status.instance) if status.instance else str(status.ip_address)


def _health(target: str, word: str | None) -> TargetHealth:
    if word is None:
        return TargetHealth(target, "initial", _NOT_YET)
    state = _STATES.get(word, "unknown")
    return TargetHealth(target, state, None if state == "healthy" else f"Google's health check says {word}")


def _note(found: dict[str, TargetHealth], seen: TargetHealth) -> None:
    """Keep the worse of what is known of a target and what is seen now."""
    known = found.get(seen.target)
    if known is None or _WORST_FIRST.index(seen.state) < _WORST_FIRST.index(known.state):
        found[seen.target] = seen
