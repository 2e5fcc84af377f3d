"""Below the drivers: what each answer was, and for EC2 what its driver leaves out of its requests.

Libcloud's EC2 driver reads one page of a list and no more, labels volumes and snapshots by a second call, if that comes, and
does not read why an instance failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from cloudlayer.errors import UnknownCloudError
from cloudlayer.providers.base.pages import REPEATED
from cloudlayer.providers.libcloud.errors import Answer

_LISTS: Final[Mapping[str, str]] = {
    "DescribeInstances": "reservationSet",
    "DescribeVolumes": "volumeSet",
    "DescribeSnapshots": "snapshotSet",
    "DescribeImages": "imagesSet",
}
"""Actions that list, and where their items are."""

_CHILDREN: Final[Mapping[str, tuple[str, ...]]] = {
    "RunInstances": ("instance", "volume", "network-interface"),
    "CreateVolume": ("volume",),
    "CreateSnapshot": ("snapshot",),
}
"""What an action makes, to be tagged from its first moment."""

_OWN_NETWORK: Final = ("SubnetId", "SecurityGroupId.1", "NetworkInterface.1.AssociatePublicIpAddress")

Request = Callable[..., Any]


class _Once:
    """In the place of Libcloud's own retries, which an environment variable can switch on: one try a call."""

    def __init__(self, **_options: Any) -> None:
        pass

    def __call__(self, call: Request) -> Request:
        return call


def tap(connection: Any) -> Callable[[], Answer]:
    """Keep the last answer of a driver's connection, and its retries off; the function gives that answer and forgets it."""
    seen = [Answer()]
    connection.retryCls = _Once
    real = connection.responseCls

    def noted(response: Any, connection: Any) -> Any:
        headers = {name.lower(): value for name, value in dict(response.headers).items()}
        seen[0] = Answer(response.status_code, headers, response.text or "")
        return real(response=response, connection=connection)

    connection.responseCls = noted

    def last() -> Answer:
        answer, seen[0] = seen[0], Answer()
        return answer

    return last


class Ec2Wire:
    """Completes the requests of one EC2 driver: `labels` are put on what is made while they are `put`."""

    def __init__(self, connection: Any) -> None:
        self._real: Request = connection.request
        self._labels: Mapping[str, str] = {}
        self._token = ""
        connection.request = self.request

    @contextmanager
    def put(self, labels: Mapping[str, str], token: str = "") -> Iterator[None]:
        """Within the block, what is made carries the labels; `token` is the client token of a volume."""
        self._labels, self._token = labels, token
        try:
            yield
        finally:
            self._labels, self._token = {}, ""

    def request(self, action: str, params: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """As the connection's own, with what the driver leaves out."""
        asked = dict(params or {})
        name = str(asked.get("Action", ""))
        if name in _CHILDREN and self._labels:
            asked = self._completed(name, asked)
        if name == "CreateTags":
            asked = {_from_one(key): value for key, value in asked.items()}
        answer = self._real(action, params=asked, **more)
        if name in _LISTS:
            self._read_on(_LISTS[name], action, asked, answer, more)
        if name == "DescribeInstances":
            _tell_reasons(answer.object)
        return answer

    def _completed(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        asked = {key: value for key, value in asked.items() if not key.startswith("TagSpecification.")}
        for number, kind in enumerate(_CHILDREN[name], start=1):
            asked[f"TagSpecification.{number}.ResourceType"] = kind
            for place, (label, value) in enumerate(self._labels.items(), start=1):
                asked[f"TagSpecification.{number}.Tag.{place}.Key"] = label
                asked[f"TagSpecification.{number}.Tag.{place}.Value"] = value
        if name == "CreateVolume" and self._token:
            asked["ClientToken"] = self._token
        if name == "RunInstances" and not any(key in asked for key in _OWN_NETWORK):
            # Without it, the subnet decides whether there is a public address.
            asked |= {
                "NetworkInterface.1.DeviceIndex": "0",
                "NetworkInterface.1.AssociatePublicIpAddress": "false",
                "NetworkInterface.1.DeleteOnTermination": "true",
            }
        return asked

    def _read_on(self, place: str, action: str, asked: Mapping[str, Any], answer: Any, more: Mapping[str, Any]) -> None:
        """Put the items of the pages that follow behind those of the first."""
        items, token, used = _child(answer.object, place), _token(answer.object), set[str]()
        while token and items is not None:
            if token in used:
                raise UnknownCloudError("a list's next page is one that was read before", code=REPEATED)
            used.add(token)
            page = self._real(action, params={**asked, "NextToken": token}, **more).object
            items.extend(list(_child(page, place) or ()))
            token = _token(page)


def _child(root: Any, name: str) -> Any:
    return next((child for child in root if child.tag.rpartition("}")[2] == name), None)


def _from_one(key: str) -> str:
    """A parameter of a list whose items are numbered from 0 in the driver, and from 1 in EC2's interface."""
    first, sign, rest = key.partition(".")
    number, dot, last = rest.partition(".")
    return f"{first}.{int(number) + 1}{dot}{last}" if sign and number.isdecimal() else key


def _tell_reasons(root: Any) -> None:
    """Put why an instance is in its state where the driver reads it: EC2 fills one of two elements, and it knows the other."""
    for instance in (
        item for reservation in _child(root, "reservationSet") or () for item in _child(reservation, "instancesSet")
    ):
        reason, why = _child(instance, "reason"), _child(instance, "stateReason")
        message = None if why is None else _child(why, "message")
        if reason is not None and not reason.text and message is not None:
            reason.text = message.text


def _token(root: Any) -> str:
    found = _child(root, "nextToken")
    return "" if found is None else found.text or ""
