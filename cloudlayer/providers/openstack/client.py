"""Calls to OpenStack's services: one try each by keystoneauth, retried, paged and translated by what all drivers share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import openstack
from keystoneauth1.exceptions import ClientException, EndpointNotFound
from openstack.connection import Connection
from openstack.exceptions import SDKException

from cloudlayer import __version__
from cloudlayer.errors import AuthError, CloudError, InvalidSpec, NotFound, UnknownCloudError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.pages import REPEATED, flatten
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.openstack import errors
from cloudlayer.providers.openstack.options import Options

MICROVERSIONS: Final[Mapping[str, str]] = {"compute": "2.90", "block_storage": "3.60"}
"""What our calls are written for. Nova has had 2.90 since Xena, Cinder 3.60 since Train."""

_SECONDS: Final = 30
"""For so long one call may go without an answer."""
_GRACE: Final = 1
"""A call that began before the deadline has so long at the least: one that is cut off may have taken effect."""

_NEW_READINGS: Final = 5
"""How often a list is read anew whose place was lost."""

_MEND: Final = "set OS_CLOUD (or the option cloud) to an entry of clouds.yaml, or the variables OS_AUTH_URL, OS_USERNAME, …"


class Client:
    """The services of one region of one cloud. Thread-safe; logs in when the first call is made."""

    def __init__(self, region: str | None, options: Options, retries: Retries) -> None:
        self.retries = retries
        self.options = options
        self._wanted = region
        self._lock = threading.Lock()
        self._connected: Connection | None = None
        connection = self._open()
        found = connection.config.get_region_name()
        self.region = str(found or region or "RegionOne")
        self.where = Where("openstack", self.region)

    @property
    def connection(self) -> Connection:
        """openstacksdk's own connection."""
        return self._open()

    def service(self, name: str) -> Any:
        """openstacksdk's own proxy of a service: compute, network, image, block_storage, orchestration, load_balancer."""
        return getattr(self.connection, name)

    def has(self, service_type: str) -> bool:
        """Whether the catalogue has a service of this type, such as "load-balancer". Logs in."""
        found = self.retries.run(lambda: self._endpoint(service_type), doing=f"looking for the service {service_type}")
        return found is not None

    def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        query: Mapping[str, Any] | None = None,
        where: Where | None = None,
        again: bool = True,
        deadline: Deadline | None = None,
    ) -> Any:
        """One request to a service, and the document that it answers with (None where it answers with none).

        `path` starts with "/" and comes after the service's version, as in "/servers" or "/lbaas/pools". `where` says what it
        is about, for errors that say what to avoid. `again` is False for a request that must not be made twice: it is one try.
        """
        place = where or self.where
        doing = f"calling {service} {method} {path}"
        bound = self.retries.deadline(deadline)
        body = {"json": json, "params": dict(query or {}), "timeout": min(_SECONDS, bound.remaining() + _GRACE)}
        if not again:
            bound.check(doing)
            return self._once(service, method, path, body, place)
        return self.retries.run(lambda: self._once(service, method, path, body, place), doing=doing, deadline=bound)

    def pages(
        self,
        service: str,
        path: str,
        key: str,
        *,
        query: Mapping[str, Any] | None = None,
        deadline: Deadline | None = None,
    ) -> Iterator[Any]:
        """Every item under `key` of every page of a list: each page says where the next one is.

        A page begins after the last item of the one before. If that was deleted meanwhile, the service has lost its place; if
        it got another place, as a server does that Nova has just found a host for, the list comes to it again. Then the list is
        read anew, and what was told is not told again.
        """

        def fetch(token: str | None) -> tuple[Iterable[Any], str | None]:
            more = dict(parse_qsl(token)) if token else dict(query or {})
            try:
                answer = self.call(service, "GET", path, query=more, deadline=deadline)
            except NotFound as error:
                raise _PlaceLost(error) if token else error from None
            return answer[key], _next(answer, key)

        told: set[str] = set()
        for last in (*(False,) * _NEW_READINGS, True):
            try:
                for item in _reading(fetch):
                    name = str(item.get("id") or item)
                    if name not in told:
                        told.add(name)
                        yield item
            except _PlaceLost as lost:
                if last:
                    raise lost.error from None
            else:
                return

    def _once(self, service: str, method: str, path: str, body: Mapping[str, Any], where: Where) -> Any:
        try:
            answer = self.service(service).request(
                path,
                method,
                microversion=MICROVERSIONS.get(service),
                raise_exc=False,
                connect_retries=0,
                status_code_retries=0,
                **body,
            )
        except (ClientException, SDKException) as error:
            raise errors.from_sdk(error, where) from None
        if answer.status_code >= 400:
            raise errors.from_response(answer.status_code, answer.content, answer.headers, where)
        # Heat answers an accepted change with a text that says nothing.
        return answer.json() if "json" in answer.headers.get("content-type", "") and answer.content else None

    def _endpoint(self, service_type: str) -> str | None:
        try:
            found: str | None = self.connection.session.get_endpoint(service_type=service_type, region_name=self.region)
        except EndpointNotFound:
            return None
        except (ClientException, SDKException) as error:
            raise errors.from_sdk(error, self.where) from None
        return found

    def _open(self) -> Connection:
        with self._lock:
            if self._connected is None:
                self._connected = _connect(self.options.cloud, self._wanted)
            return self._connected


def _connect(cloud: str | None, region: str | None) -> Connection:
    settings: dict[str, Any] = {"cloud": cloud, "region_name": region}
    given = {name: value for name, value in settings.items() if value}
    try:
        return openstack.connect(app_name="cloudlayer", app_version=__version__, **given)
    except SDKException as error:
        raise InvalidSpec(f"openstack: {str(error).rstrip('.')}: {_MEND}") from None
    except ClientException as error:
        raise AuthError(f"{error}: {_MEND}", provider="openstack") from None


class _PlaceLost(Exception):
    """The item after which the next page was to begin is not there any more, or elsewhere; `error` says so."""

    def __init__(self, error: CloudError) -> None:
        super().__init__(str(error))
        self.error = error


def _reading(fetch: Callable[[str | None], tuple[Iterable[Any], str | None]]) -> Iterator[Any]:
    """The items of one reading of a list; _PlaceLost if it comes to a page for the second time."""
    try:
        yield from flatten(fetch, provider="openstack")
    except UnknownCloudError as error:
        raise (_PlaceLost(error) if error.code == REPEATED else error) from None


def _next(answer: Mapping[str, Any], key: str) -> str | None:
    """The query of the next page. Nova, Glance and Cinder, Neutron and Octavia each write it in their own place."""
    links = answer.get(f"{key}_links") or answer.get("links") or ()
    found = next((link["href"] for link in links if link.get("rel") == "next"), answer.get("next"))
    return urlsplit(found).query or None if found else None
