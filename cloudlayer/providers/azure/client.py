"""Calls to Azure Resource Manager: one try each by the SDK, retried, paged, followed and translated by what all drivers share.

Bodies and answers are documents, as the API reference has them, and not the SDK's models: those know the newest API version
alone, and would send and read properties that the pinned ones do not have.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from azure.core import PipelineClient
from azure.core.exceptions import DecodeError
from azure.core.rest import HttpRequest

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure import errors, pipeline
from cloudlayer.providers.azure.marks import part
from cloudlayer.providers.azure.operations import Answer, Following, answer_of
from cloudlayer.providers.azure.options import Options, setting
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.pages import flatten
from cloudlayer.providers.base.retries import Retries

_PUBLIC: Final = "https://management.azure.com"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Service:
    """Where the SDK has a service, and the API version that our calls are written for.

    `fixed` says that the SDK wants the version when its client is made, and not with each call.
    """

    package: str
    client: str
    version: str
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class _Request:
    """One call of the SDK's: a service, an operation of it, what it is given, what it is about, what counts it."""

    service: str
    operation: str
    arguments: tuple[Any, ...]
    options: Document
    where: Where
    making: str = ""

    @property
    def doing(self) -> str:
        """What is being done, for "out of time while …"."""
        return f"calling {self.service} {self.operation}"


_SERVICES: Final[Mapping[str, _Service]] = {
    "compute": _Service("azure.mgmt.compute", "ComputeManagementClient", "2021-03-01"),
    "disks": _Service("azure.mgmt.compute", "ComputeManagementClient", "2020-12-01"),
    "skus": _Service("azure.mgmt.compute", "ComputeManagementClient", "2021-07-01"),
    "network": _Service("azure.mgmt.network", "NetworkManagementClient", "2021-02-01"),
    "storage": _Service("azure.mgmt.storage", "StorageManagementClient", "2021-04-01", fixed=True),
    "monitor": _Service("azure.mgmt.monitor", "MonitorManagementClient", "2015-04-01"),
    "metrics": _Service("azure.mgmt.monitor", "MonitorManagementClient", "2018-01-01"),
}
"""Disks and SKUs have versions of their own. Of the SKUs' version no schema is in our tests, of the others there is one."""


class Client:
    """The services of Azure in one resource group and location. Thread-safe; a package is imported when it is first used."""

    def __init__(self, region: str | None, options: Options, retries: Retries) -> None:
        self.retries = retries
        self.options = options
        self.subscription = setting(
            options.subscription, "AZURE_SUBSCRIPTION_ID", "subscription", "give the option subscription"
        )
        self.group = setting(
            options.resource_group,
            "AZURE_DEFAULTS_GROUP",
            "resource group",
            "make one with `az group create --name NAME --location LOCATION` and give the option resource_group",
        )
        self.region = (
            setting(region, "AZURE_DEFAULTS_LOCATION", "location", 'write "azure:westeurope"').lower().replace(" ", "")
        )
        self.endpoint = (options.endpoint or _PUBLIC).rstrip("/")
        if not self.endpoint.startswith(("https://", "http://")):
            raise InvalidSpec(f'azure.endpoint: "{options.endpoint}" is no address: begin it with https://')
        self.where = Where("azure", self.region)
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._policies = [*pipeline.OPEN, pipeline.authentication(options, self.endpoint)]
        self._open: Any = PipelineClient(self.endpoint, policies=pipeline.OPEN, transport=pipeline.transport())

    def service(self, name: str) -> Any:
        """The SDK's own client of a service: compute, disks, skus, network, storage or monitor. InvalidSpec for another."""
        found = _SERVICES.get(name)
        if found is None:
            raise InvalidSpec(f'azure has no service "{name}" here; known: {", ".join(_SERVICES)}')
        with self._lock:
            if found.package not in self._clients:
                kind = getattr(importlib.import_module(found.package), found.client)
                version = {"api_version": found.version} if found.fixed else {}
                self._clients[found.package] = kind(
                    object(),
                    self.subscription,
                    base_url=self.endpoint,
                    authentication_policy=self._policies[-1],
                    policies=self._policies,
                    transport=pipeline.transport(),
                    **version,
                )
            return self._clients[found.package]

    def id(self, kind: str, name: str) -> str:
        """The id of a thing in the resource group; `kind` is such as "Microsoft.Compute/disks"."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/{kind}/{name}"

    def call(
        self,
        service: str,
        operation: str,
        *arguments: Any,
        deadline: Deadline | None = None,
        where: Where | None = None,
        making: str = "",
        retried: bool = True,
        **options: Any,
    ) -> Any:
        """One operation, by the SDK's names ("virtual_machines.get"), and the document that it answers with (or None).

        `arguments` are the SDK's own, a body among them being a document. `where` says what it is about, for errors that say
        what to avoid; `making` is the quota that counts what is made. `retried` is False for what must not be done twice: it is
        tried once. An operation that Azure goes on with after its answer is not followed: see `run`.
        """
        return self.begin(
            service, operation, *arguments, deadline=deadline, where=where, making=making, retried=retried, **options
        ).document

    def begin(
        self,
        service: str,
        operation: str,
        *arguments: Any,
        deadline: Deadline | None = None,
        where: Where | None = None,
        making: str = "",
        retried: bool = True,
        **options: Any,
    ) -> Answer:
        """As `call`, but the whole first answer, which `finish` follows to the operation's end."""
        request = _Request(service, operation, arguments, options, where or self.where, making)
        if not retried:
            return self._once(request)
        return self.retries.run(lambda: self._once(request), doing=request.doing, deadline=deadline)

    def finish(self, answer: Answer, *, deadline: Deadline | None = None, where: Where | None = None, making: str = "") -> Any:
        """The thing's document (None where there is none) once the operation of a first answer has ended.

        Raises the error that it ended with, classed as a refusal is, and TransientError if the deadline comes first: the
        operation goes on then.
        """
        bound = self.retries.deadline(deadline)
        return Following(self._poll, self.retries, where or self.where, making).end(answer, bound)

    def run(
        self,
        service: str,
        operation: str,
        *arguments: Any,
        deadline: Deadline | None = None,
        where: Where | None = None,
        making: str = "",
        **options: Any,
    ) -> Any:
        """`begin` and `finish` in one."""
        bound = self.retries.deadline(deadline)
        answer = self.begin(service, operation, *arguments, deadline=bound, where=where, making=making, **options)
        return self.finish(answer, deadline=bound, where=where, making=making)

    def outcome(self, answer: Answer, *, deadline: Deadline | None = None) -> Any:
        """The status, as it is now, of the operation that a first answer tells of; None where Azure knows it no more."""
        own = answer.headers.get("Azure-AsyncOperation")
        if not own:
            return None
        try:
            look = partial(self._poll, own, self.where, "")
            return self.retries.run(look, doing="looking at an operation", deadline=deadline).document
        except NotFound:
            return None

    def fetch(self, url: str, *, deadline: Deadline | None = None) -> Answer:
        """What anybody may read who has the address: no credentials are sent along."""
        doing = f"reading {urlsplit(url).hostname}"
        return self.retries.run(lambda: self._look(self._open, url, self.where), doing=doing, deadline=deadline)

    def find(self, service: str, operation: str, *arguments: Any, deadline: Deadline | None = None, **options: Any) -> Any:
        """As `call`, for what may not be there: None then."""
        try:
            return self.call(service, operation, *arguments, deadline=deadline, **options)
        except NotFound:
            return None

    def pages(
        self, service: str, operation: str, *arguments: Any, deadline: Deadline | None = None, **options: Any
    ) -> Iterator[Any]:
        """Every item of every page of a list."""

        request = _Request(service, operation, arguments, options, self.where)

        def fetch(link: str | None) -> tuple[Iterable[Any], str | None]:
            found = self.retries.run(lambda: self._page(request, link), doing=request.doing, deadline=deadline)
            document = found.document or {}
            return document.get("value") or (), document.get("nextLink")

        return flatten(fetch, provider="azure")

    def _once(self, request: _Request) -> Answer:
        call, more = self._operation(request), {"polling": False} if ".begin_" in request.operation else {}
        return _answered(
            lambda hook: call(*request.arguments, raw_response_hook=hook, **more, **request.options),
            request.where,
            request.making,
        )

    def _page(self, request: _Request, link: str | None) -> Answer:
        call = self._operation(request)

        def fetch(hook: Callable[[Any], None]) -> None:
            listed = call(*request.arguments, raw_response_hook=hook, **request.options)
            next(listed.by_page(continuation_token=link), None)

        return _answered(fetch, request.where)

    def _operation(self, request: _Request) -> Callable[..., Any]:
        group, _, name = request.operation.partition(".")
        method: Callable[..., Any] = getattr(getattr(self.service(request.service), group), name)
        found = _SERVICES[request.service]
        return method if found.fixed else partial(method, api_version=found.version)

    def _poll(self, url: str, where: Where, making: str) -> Answer:
        """One look at an operation, or at the thing that it makes. Any service's client has what that takes."""
        address = url if url.startswith("http") else f"{self.endpoint}{url}?api-version={_SERVICES['compute'].version}"
        return self._look(self.service("compute"), address, where, making)

    def _look(self, client: Any, address: str, where: Where, making: str = "") -> Answer:
        request = HttpRequest("GET", address)
        return _answered(lambda hook: client.send_request(request, raw_response_hook=hook), where, making)


def _answered(call: Callable[[Callable[[Any], None]], Any], where: Where, making: str = "") -> Answer:
    """Azure's last answer to a call of the SDK's; its refusals, and what has kept it from answering, are our errors."""
    seen: list[Answer] = []

    def hook(response: Any) -> None:
        response.http_response.read()
        seen.append(answer_of(response.http_response))

    try:
        call(hook)
    except errors.SDK_ERRORS as error:
        if not seen or isinstance(error, DecodeError):
            raise errors.from_sdk(error, where) from None
    answer = seen[-1]
    if answer.status >= 400:
        group = part(urlsplit(answer.url).path, "resourceGroups") or "NAME"
        raise errors.from_answer(answer.status, answer.document, answer.headers, where, making, group=group)
    return answer
