"""What `doctor` finds out about a project: credentials, then permissions, by calls that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import requests.exceptions

from cloudlayer.errors import AuthError, CloudError, InvalidSpec, NotFound, PermissionDenied
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.errors import Where, translate
from cloudlayer.providers.gcp import errors
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.permissions import METHODS, permissions
from cloudlayer.providers.gcp.places import Places

_HOST: Final = "https://cloudresourcemanager.googleapis.com"
_TIMEOUT: Final = 30.0
_ASKED_AT_ONCE: Final = 100
_DISABLED: Final = ("accessNotConfigured", "SERVICE_DISABLED")


@dataclass(frozen=True, slots=True)
class _Probe:
    """A look that says whether a permission is there, with the API's own name for the method."""

    service: str
    method: str
    name: str
    fields: dict[str, Any] = field(default_factory=dict)


_PROBES: Final = (
    _Probe("instances", "aggregated_list", "compute.instances.aggregatedList"),
    _Probe("machine_types", "aggregated_list", "compute.machineTypes.aggregatedList"),
    _Probe("accelerator_types", "aggregated_list", "compute.acceleratorTypes.aggregatedList"),
    _Probe("reservations", "aggregated_list", "compute.reservations.aggregatedList"),
    _Probe("global_operations", "aggregated_list", "compute.globalOperations.aggregatedList"),
    _Probe("firewalls", "list", "compute.firewalls.list"),
    _Probe("images", "list", "compute.images.list"),
)


class Checks:
    """Looks at one project in one region."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def lines(self, deadline: Deadline) -> list[str]:
        """What is wrong, a line each with its mend; the region itself is the first thing that is looked for."""
        try:
            Places(self._client).region(deadline)
        except (InvalidSpec, AuthError, NotFound) as error:
            return [str(error)]
        except CloudError as error:
            return [self._told(error, "compute.regions.get")]
        return [*self._refusals(deadline), *self._missing(deadline)]

    def _refusals(self, deadline: Deadline) -> Iterator[str]:
        """What cannot be looked at."""
        for probe in _PROBES:
            try:
                self._client.call(probe.service, probe.method, max_results=1, deadline=deadline, **probe.fields)
            except CloudError as error:
                yield self._told(error, METHODS[probe.name][0])

    def _missing(self, deadline: Deadline) -> Iterator[str]:
        """What may not be done, as IAM itself tells it. A Compute Engine at another address has no IAM that is asked."""
        options = self._client.options
        host = options.iam_endpoint or (None if options.endpoint else _HOST)
        if host is None:
            return
        wanted = permissions()
        for start in range(0, len(wanted), _ASKED_AT_ONCE):
            chunk = wanted[start : start + _ASKED_AT_ONCE]
            try:
                held = self._held(host, chunk, deadline)
            except CloudError as error:
                yield self._told(error, "resourcemanager.projects.get")
                return
            yield from (self._denied(name) for name in chunk if name not in held)

    def _held(self, host: str, wanted: list[str], deadline: Deadline) -> set[str]:
        """Those of the permissions that the caller has."""
        url = f"{host}/v1/projects/{self._client.project}:testIamPermissions"

        def ask() -> Any:
            try:
                answer = self._client.access.session().post(url, json={"permissions": wanted}, timeout=_TIMEOUT)
            except errors.SDK_ERRORS as error:
                raise errors.from_sdk(error, Where("gcp")) from None
            if answer.status_code != requests.codes.ok:
                raise translate(errors.TABLE, str(answer.status_code), f"IAM is not to be asked: {answer.reason}", Where("gcp"))
            return answer.json()

        found = self._client.retries.run(ask, doing="asking IAM for permissions", deadline=deadline)
        return set(found.get("permissions", ()))

    def _told(self, error: CloudError, permission: str) -> str:
        if error.code in _DISABLED:
            return f"{error}: run `gcloud services enable compute.googleapis.com --project={self._client.project}`"
        if isinstance(error, AuthError):
            return str(error)
        if isinstance(error, PermissionDenied):
            return f"{error}: allow {permission}; `cloudlayer iam gcp` prints a role of all that is needed"
        return f"{error}: is Google Cloud reachable from here? A proxy is set by HTTPS_PROXY, another address by endpoint"

    def _denied(self, permission: str) -> str:
        return f"{permission} is not allowed in {self._client.project}: `cloudlayer iam gcp` prints a role that has it"
