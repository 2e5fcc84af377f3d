"""Calls to Compute Engine: one try each by the SDK, retried, paged and translated by what all drivers share.

What changes something answers with an operation, which is followed to its end here: the SDK's own waiting asks another
address than the one that it was given.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import compute_v1

from cloudlayer.errors import NotFound, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.pages import flatten
from cloudlayer.providers.base.patience import insist
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.gcp import errors
from cloudlayer.providers.gcp.access import Access
from cloudlayer.providers.gcp.codes import NOT_READY
from cloudlayer.providers.gcp.options import Options

PAGE: Final = 500
"""The largest page of a list."""

_UNREACHABLE: Final = "UNREACHABLE"
_TIMEOUT: Final = 30.0
_FIRST_LOOK: Final = 0.25
_LONGEST_PAUSE: Final = 3.0


class Client:
    """The services of Compute Engine in one project and region. Thread-safe; an SDK client is made when it is first used."""

    def __init__(self, region: str | None, options: Options, retries: Retries) -> None:
        self.options = options
        self.retries = retries
        self.access = Access(region, options)
        self.region = self.access.region
        self.where = Where("gcp", self.region)
        self._services: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def project(self) -> str:
        """The project that everything is made in; InvalidSpec where none is named anywhere."""
        return self.access.project

    def service(self, name: str) -> Any:
        """The SDK's own client for a collection of the API, such as "instances" or "zone_operations"."""
        with self._lock:
            if name not in self._services:
                kind = getattr(compute_v1, f"{name.title().replace('_', '')}Client")
                self._services[name] = self.access.client(kind)
            return self._services[name]

    def call(
        self,
        service: str,
        method: str,
        *,
        deadline: Deadline | None = None,
        where: Where | None = None,
        retried: bool = True,
        **fields: Any,
    ) -> Any:
        """What a method answers, `fields` being those of its request; the project need not be among them.

        `where` says what it is about, for errors that say what to avoid. `retried` is False for what is tried once.
        """
        place = where or self.where
        if not retried:
            return self._once(service, method, place, fields)
        doing = f"calling {service}.{method}"
        return self.retries.run(lambda: self._once(service, method, place, fields), doing=doing, deadline=deadline)

    def pages(
        self, service: str, method: str = "list", *, key: str = "items", deadline: Deadline | None = None, **fields: Any
    ) -> Iterator[Any]:
        """Every item under `key` in every page of a list."""

        def fetch(token: str | None) -> tuple[Iterable[Any], str | None]:
            more = {"page_token": token} if token else {}
            answer = self.call(service, method, deadline=deadline, **{"max_results": PAGE, **fields, **more})
            _check_reached(service, [getattr(answer, "warning", None)])
            return getattr(answer, key), answer.next_page_token

        return flatten(fetch, provider="gcp")

    def everywhere(self, service: str, *, deadline: Deadline | None = None, key: str = "", **fields: Any) -> Iterator[Any]:
        """Every thing of a collection in this region, its zones, and what is global, from one aggregated list.

        `key` is the collection's name in the answer, where that is not the service's. TransientError where a zone of ours
        cannot be looked into: what is there would be taken for gone, and made again.
        """

        def fetch(token: str | None) -> tuple[Iterable[Any], str | None]:
            more = {"page_token": token} if token else {}
            answer = self.call(service, "aggregated_list", deadline=deadline, **{"max_results": PAGE, **fields, **more})
            scopes = [scoped for scope, scoped in answer.items.items() if self._is_here(scope)]
            _check_reached(service, (scoped.warning for scoped in scopes))
            return [found for scoped in scopes for found in getattr(scoped, key or service)], answer.next_page_token

        return flatten(fetch, provider="gcp")

    def begin(
        self,
        service: str,
        method: str,
        *,
        request_id: str | None = None,
        deadline: Deadline | None = None,
        where: Where | None = None,
        **fields: Any,
    ) -> Any:
        """Ask for a change ("insert", "delete", "set_tags"); the operation that it became, which may still be under way.

        `request_id` is a UUID under which the cloud does the change once, however often it is asked; without one, each call
        of this method is another change. A retry is never a second one.
        """
        wanted = {**fields, "request_id": request_id or str(uuid4())}
        return self.call(service, f"{method}_unary", deadline=deadline, where=where, **wanted)

    def follow(self, operation: Any, *, deadline: Deadline | None = None, where: Where | None = None) -> Any:
        """The operation at its end. Raises what it ended with, and TransientError where the deadline comes before its end."""
        ended = self.ended(operation, deadline=deadline)
        error = errors.from_operation(ended, where or self.where)
        if error is not None:
            raise error
        return ended

    def ended(self, operation: Any, *, deadline: Deadline | None = None) -> Any:
        """The operation at its end, whatever it ended with."""
        bound, pause = self.retries.deadline(deadline), _FIRST_LOOK
        while operation.status != compute_v1.Operation.Status.DONE:
            self.retries.clock.sleep(min(pause, bound.remaining()))
            bound.check(f"waiting for the {operation.operation_type} of {basename(operation.target_link)}")
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            operation = self._operation(operation, bound)
        return operation

    def run(
        self,
        service: str,
        method: str,
        *,
        request_id: str | None = None,
        deadline: Deadline | None = None,
        where: Where | None = None,
        **fields: Any,
    ) -> Any:
        """`begin` and `follow`: the operation once the change is made."""
        bound = self.retries.deadline(deadline)
        begun = self.begin(service, method, request_id=request_id, deadline=bound, where=where, **fields)
        return self.follow(begun, deadline=bound, where=where)

    def remove(self, service: str, *, deadline: Deadline | None = None, wait: bool = False, **fields: Any) -> None:
        """Begin to delete a thing, or with `wait` see it gone; one that is not there is no error.

        One that is just being made, changed or deleted takes no call: it is waited for.
        """
        bound = self.retries.deadline(deadline)

        def attempt() -> None:
            begun = self.begin(service, "delete", deadline=bound, **fields)
            if wait:
                self.follow(begun, deadline=bound)

        with suppress(NotFound):
            insist(attempt, NOT_READY, self.retries.clock, bound, f"waiting to delete one of {service}")

    def link(self, kind: str, name: str, *, zone: str | None = None, region: bool = False) -> str:
        """The path of a thing of this project, as other things name it: global, or in a zone, or in this region."""
        scope = f"zones/{zone}" if zone else f"regions/{self.region}" if region else "global"
        return f"projects/{self.project}/{scope}/{kind}/{name}"

    def _operation(self, operation: Any, deadline: Deadline) -> Any:
        """The operation as it is now, asked for where it is: in a zone, in a region, or globally."""
        scope: dict[str, Any] = {}
        service = "global_operations"
        if operation.zone:
            service, scope = "zone_operations", {"zone": basename(operation.zone)}
        elif operation.region:
            service, scope = "region_operations", {"region": basename(operation.region)}
        try:
            return self.call(service, "get", operation=operation.name, deadline=deadline, **scope)
        except NotFound as error:
            message = f"the operation {operation.name} is not there any more; what it did must be looked for"
            raise TransientError(message, provider="gcp", code=error.code) from None

    def _once(self, service: str, method: str, where: Where, fields: dict[str, Any]) -> Any:
        call = getattr(self.service(service), method)
        try:
            return call(request=self._request(call, fields), retry=None, timeout=_TIMEOUT)
        except GoogleAPICallError as error:
            raise errors.from_answer(error, where) from None
        except errors.SDK_ERRORS as error:
            raise errors.from_sdk(error, where) from None

    def _request(self, call: Any, fields: dict[str, Any]) -> Any:
        """The request of a method, with what it has room for of project and request id."""
        kind: Any = inspect.signature(call).parameters["request"].annotation.__args__[0]
        known = kind.meta.fields
        given = {name: value for name, value in fields.items() if name != "request_id" or name in known}
        if "project" in known:
            given.setdefault("project", self.project)
        return kind(given)

    def _is_here(self, scope: str) -> bool:
        """Whether a scope of an aggregated list ("zones/Z", "regions/R", "global") is this region's, or everybody's."""
        kind, _, name = scope.partition("/")
        return kind == "global" or self.region in (name if kind == "regions" else "", name.rpartition("-")[0])


def _check_reached(service: str, warnings: Iterable[Any]) -> None:
    """Raise TransientError where a warning says that a part of a list could not be looked into: it is not whole."""
    for warning in warnings:
        if warning is not None and warning.code == _UNREACHABLE:
            message = f"{service} cannot be listed whole now: {warning.message or 'a zone or region cannot be reached'}"
            raise TransientError(message, provider="gcp", code=_UNREACHABLE)


def basename(url: str) -> str:
    """The last part of a URL: the name of the thing that it leads to."""
    return url.rpartition("/")[2]
