"""Calls to AWS: one try each by boto3, retried, paged and translated by what all drivers share."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ProfileNotFound

from cloudlayer.errors import CloudError, InvalidSpec
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.aws import errors
from cloudlayer.providers.aws.options import Options
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.pages import flatten
from cloudlayer.providers.base.retries import Retries

PAGE: Final = 1000
"""The largest page that most operations of EC2 give."""


@dataclass(frozen=True, slots=True)
class _Paging:
    """A service's words for a page's size, the token that asks for a page and the next one's, and the largest page."""

    size: str
    token: str
    next: str
    most: int


_EC2_PAGING: Final = _Paging("MaxResults", "NextToken", "NextToken", PAGE)
_PAGING: Final = {
    "autoscaling": _Paging("MaxRecords", "NextToken", "NextToken", 100),
    "cloudwatch": _Paging("MaxRecords", "NextToken", "NextToken", 100),
    "elbv2": _Paging("PageSize", "Marker", "NextMarker", 400),
}

Filters: TypeAlias = list[dict[str, Any]]
"""EC2's filters: each has a Name and the Values that it accepts."""

_CONFIG: Final = Config(
    # One try: EC2 answers a lack of capacity with an HTTP 500, which botocore would try again and again.
    retries={"total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=32,
    user_agent_appid="cloudlayer",
)


_HOMES: Final = {"pricing": "us-east-1"}
"""Services that AWS has in some regions alone, and the region that they are asked in."""


class Client:
    """The services of AWS in one region. Thread-safe; a service's SDK client is made when it is first used."""

    def __init__(self, region: str | None, options: Options, retries: Retries) -> None:
        self.retries = retries
        self._endpoint = options.endpoint_url
        self._services: dict[str, Any] = {}
        self._lock = threading.Lock()
        try:
            self._session = boto3.session.Session(
                aws_access_key_id=options.access_key_id,
                aws_secret_access_key=options.secret_access_key,
                aws_session_token=options.session_token,
                profile_name=options.profile,
                region_name=region,
            )
        except ProfileNotFound as error:
            raise InvalidSpec(f"aws.profile: {error}; known here: {', '.join(_profiles()) or 'none'}") from None
        found = self._session.region_name
        if not found:
            raise InvalidSpec('aws: no region: write "aws:us-east-1", or set AWS_DEFAULT_REGION')
        self.region = str(found)
        self.where = Where("aws", self.region)

    def service(self, name: str) -> Any:
        """boto3's own client for a service."""
        with self._lock:
            if name not in self._services:
                region = _HOMES.get(name, self.region)
                self._services[name] = self._session.client(
                    name, region_name=region, endpoint_url=self._endpoint, config=_CONFIG
                )
            return self._services[name]

    def call(
        self,
        operation: str,
        *,
        deadline: Deadline | None = None,
        where: Where | None = None,
        service: str = "ec2",
        retried: bool = True,
        **parameters: Any,
    ) -> dict[str, Any]:
        """One operation, by boto3's name for it. `where` says what it is about, for errors that say what to avoid.

        `retried` is False for what must not be done twice: it is tried once, and the caller looks before it tries again.
        """
        place = where or self.where
        if not retried:
            return self._once(service, operation, place, parameters)
        doing = f"calling {service} {operation}"
        return self.retries.run(lambda: self._once(service, operation, place, parameters), doing=doing, deadline=deadline)

    def pages(
        self,
        operation: str,
        key: str,
        *,
        deadline: Deadline | None = None,
        page: int | None = None,
        service: str = "ec2",
        **parameters: Any,
    ) -> Iterator[Any]:
        """Every item under `key` in every page of an operation; `page` is the most items that it gives in one."""
        words = _PAGING.get(service, _EC2_PAGING)

        def fetch(token: str | None) -> tuple[Iterable[Any], str | None]:
            more: dict[str, Any] = {words.size: page or words.most, **({words.token: token} if token else {})}
            answer = self.call(operation, deadline=deadline, service=service, **parameters, **more)
            return answer.get(key, ()), answer.get(words.next)

        return flatten(fetch, provider="aws")

    def _once(self, service: str, operation: str, where: Where, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self.service(service), operation)(**parameters)
        except ClientError as error:
            raise errors.from_answer(error, where) from None
        except errors.SDK_ERRORS as error:
            raise errors.from_sdk(error, where) from None
        return answer

    def denied(self, operation: str, *, deadline: Deadline | None = None, **parameters: Any) -> CloudError | None:
        """Why an operation of EC2 would be refused; None if it would be allowed. Changes nothing (DryRun)."""
        try:
            self.call(operation, deadline=deadline, DryRun=True, **parameters)
        except CloudError as error:
            return None if error.code == "DryRunOperation" else error
        return None


def filters(**values: str | list[str] | None) -> Filters:
    """EC2's filters by name, `_` standing for `-`; those whose value is None or empty are left out."""
    listed = {name: [value] if isinstance(value, str) else value for name, value in values.items()}
    return [{"Name": name.replace("_", "-"), "Values": value} for name, value in listed.items() if value]


def _profiles() -> list[str]:
    return list(boto3.session.Session().available_profiles)
