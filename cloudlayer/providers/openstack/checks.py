"""What `doctor` finds out: credentials, then the services and roles that are needed, by calls that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from cloudlayer.errors import AuthError, CloudError, PermissionDenied
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.openstack import errors
from cloudlayer.providers.openstack.client import Client

_NEEDED: Final = {"compute": "/flavors", "network": "/networks", "image": "/images"}
_PERHAPS: Final = {
    "block-storage": "/volumes",
    "orchestration": "/stacks",
    "load-balancer": "/lbaas/loadbalancers",
}
"""Services by their type, and what can be listed there with an ordinary role."""

_MAKERS: Final = frozenset({"member", "_member_", "Member", "admin", "manager"})


class Checks:
    """Looks at one project of one cloud."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def run(self, deadline: Deadline) -> list[str]:
        """A line for each thing that is wrong, with its mend."""
        try:
            roles = self._client.retries.run(self._roles, doing="logging in", deadline=deadline)
        except AuthError as error:
            return [f"{_line(error)}: check the entry of clouds.yaml that OS_CLOUD names, or the variables OS_*"]
        except CloudError as error:
            return [f"{_line(error)}: is Keystone reachable from here? Its address is auth_url in clouds.yaml, or OS_AUTH_URL"]
        found = [] if roles & _MAKERS else [_no_role(roles)]
        return [*found, *self._services(deadline)]

    def _roles(self) -> set[str]:
        session: Any = self._client.connection.session
        session.invalidate()  # a password that was changed since the last log-in is to be found out
        try:
            return set(session.auth.get_access(session).role_names)
        except (ClientException, SDKException) as error:
            raise errors.from_sdk(error, self._client.where) from None

    def _services(self, deadline: Deadline) -> Iterator[str]:
        for service, path in {**_NEEDED, **_PERHAPS}.items():
            try:
                if self._client.has(service):
                    self._client.call(service.replace("-", "_"), "GET", path, query={"limit": 1}, deadline=deadline)
                elif service in _NEEDED:
                    yield f"the catalogue has no service {service} in {self._client.region}: is the region's name right?"
            except CloudError as error:
                yield f"{service}: {_line(error)}: {_mend(error)}"


def _mend(error: CloudError) -> str:
    if isinstance(error, AuthError):
        return "check the credentials in clouds.yaml, or the variables OS_*"
    if isinstance(error, PermissionDenied):
        return "`cloudlayer iam openstack` tells which roles are needed"
    return "is its address in the catalogue reachable from here?"


def _no_role(roles: set[str]) -> str:
    told = ", ".join(sorted(roles)) or "none"
    return f"the user's roles ({told}) make nothing: openstack role add --user USER --project PROJECT member"


def _line(error: CloudError) -> str:
    return " ".join(str(error).split())
