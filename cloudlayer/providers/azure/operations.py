"""Operations that Azure goes on with after its answer: followed to their end, by the injected clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure import errors
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.retries import Retries

_PAUSE: Final = 2.0
"""Seconds between two looks where Azure asks for no other pause."""
_WELL: Final = "succeeded"
_BADLY: Final = ("failed", "canceled", "cancelled")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of Azure's: status, document (None where it has none), headers (of any case), and what was asked."""

    status: int
    document: Any
    headers: Mapping[str, str]
    verb: str = "GET"
    url: str = ""
    content: bytes = b""


Look = Callable[[str, Where, str], Answer]
"""One look at an address, about a place, for what counts in a quota."""


@dataclass(frozen=True)
class Following:
    """Follows operations: by their own address (Azure-AsyncOperation), by Location, or by the thing's provisioning state."""

    look: Look
    retries: Retries
    where: Where
    making: str = ""

    def end(self, answer: Answer, deadline: Deadline) -> Any:
        """The thing's document once the operation has ended; raises what it ended with."""
        own, location = answer.headers.get("Azure-AsyncOperation"), answer.headers.get("Location")
        if answer.status in (200, 204) and not own and _state(answer.document) in (None, _WELL):
            return answer.document
        if own:
            self._by_status(own, answer, deadline)
            return self._look(answer.url, deadline).document if answer.verb in ("PUT", "PATCH") else None
        if location and answer.status == 202:
            return self._by_location(location, answer, deadline)
        return self._by_thing(answer, deadline)

    def _by_status(self, url: str, answer: Answer, deadline: Deadline) -> None:
        while True:
            self._pause(answer, deadline)
            answer = self._look(url, deadline)
            state = str((answer.document or {}).get("status", _WELL)).lower()
            if state in _BADLY:
                raise errors.from_failure(answer.document, answer.headers, self.where, self.making)
            if state == _WELL:
                return

    def _by_location(self, url: str, answer: Answer, deadline: Deadline) -> Any:
        while True:
            self._pause(answer, deadline)
            answer = self._look(url, deadline)
            if answer.status != 202:
                return answer.document
            url = answer.headers.get("Location") or url

    def _by_thing(self, answer: Answer, deadline: Deadline) -> Any:
        url = answer.url
        while (state := _state(answer.document)) not in (None, _WELL):
            if state in _BADLY:
                raise errors.from_failure(answer.document, answer.headers, self.where, self.making)
            self._pause(answer, deadline)
            answer = self._look(url, deadline)
        return answer.document

    def _look(self, url: str, deadline: Deadline) -> Answer:
        doing = f"following an operation at {urlsplit(url).path}"
        return self.retries.run(lambda: self.look(url, self.where, self.making), doing=doing, deadline=deadline)

    def _pause(self, answer: Answer, deadline: Deadline) -> None:
        asked = errors.seconds(answer.headers.get("Retry-After"))
        deadline.check("waiting for an operation to end")
        self.retries.clock.sleep(min(asked or _PAUSE, deadline.remaining()))


def answer_of(response: Any) -> Answer:
    """The answer in a response of the SDK's whose body is read."""
    content = response.content
    try:
        document = response.json() if content else None
    except ValueError:
        document = None
    request = response.request
    return Answer(response.status_code, document, response.headers, request.method, request.url, content)


def _state(document: Any) -> str | None:
    """A thing's provisioning state in small letters; None where it has none."""
    properties = document.get("properties") if isinstance(document, Mapping) else None
    state = properties.get("provisioningState") if isinstance(properties, Mapping) else None
    return str(state).lower() if state else None
