"""Translation of a cloud's errors, as data: its code decides, its message is only shown. Unknown stays unknown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from cloudlayer.errors import (
    Avoid,
    AvoidScope,
    CapacityError,
    CloudError,
    QuotaError,
    Throttled,
    UnknownCloudError,
)

_LONGEST_SENTENCE: Final = 200
_SENTENCE: Final = re.compile(r".*?(?=[.!?](?:\s|$)|$)", re.ASCII)
_SHORTEST_SECRET: Final = 8


@dataclass(frozen=True, slots=True)
class Where:
    """What a call was about; the fields that are known."""

    provider: str
    region: str | None = None
    zone: str | None = None
    machine_type: str | None = None
    purchase: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What a code means: a class, how far it reaches and for how many seconds, and for a quota its name.

    `reach` names the fields of Where that it is confined to, besides the provider. Without `seconds` there is nothing to avoid.
    """

    error: type[CloudError]
    reach: tuple[str, ...] = ()
    seconds: float | None = None
    quota: str = ""


def translate(
    table: Mapping[str, Fault],
    code: str,
    message: str,
    where: Where,
    *,
    request_id: str = "",
    retry_after: float | None = None,
) -> CloudError:
    """The error for a cloud's code; one that the table has not is an UnknownCloudError, never a lack of capacity."""
    fault = table.get(code, Fault(UnknownCloudError))
    avoid = _avoid(fault, where)
    error = _build(fault, message, where, avoid, retry_after)
    error.provider, error.code, error.request_id, error.avoid = where.provider, code, request_id, avoid
    return error


def capacity_scope(avoid: Avoid | None) -> AvoidScope:
    """The narrowest scope that an avoidance names."""
    if avoid is not None and avoid.zone is not None:
        return AvoidScope.ZONE
    return AvoidScope.REGION if avoid is None or avoid.region is not None else AvoidScope.MACHINE_TYPE


def first_sentence(text: str) -> str:
    """The first sentence of the first line of a long text, without its full stop and of 200 characters at most."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    found = _SENTENCE.match(line)
    told = found.group() if found else line
    return told if len(told) <= _LONGEST_SENTENCE else f"{told[: _LONGEST_SENTENCE - 1]}…"


@contextmanager
def hiding(user_data: str | None) -> Iterator[None]:
    """Takes user data out of the message of an error on its way: a cloud may repeat a value that it refuses."""
    try:
        yield
    except CloudError as error:
        hide(error, user_data)
        raise


def hide(error: CloudError, user_data: str | None) -> None:
    """Put "…" in place of user data in an error's message: whole, its lines, and as JSON or base64 have them."""
    text = user_data or ""
    forms = [text, json.dumps(text)[1:-1], base64.b64encode(text.encode()).decode()]
    lines = [line.strip() for line in text.splitlines() if len(line.strip()) >= _SHORTEST_SECRET]
    message = error.message
    for form in sorted({*forms, text.strip(), *lines}, key=len, reverse=True):
        if form:
            message = message.replace(form, "…")
    error.message, error.args = message, (message,)


def _avoid(fault: Fault, where: Where) -> Avoid | None:
    if fault.seconds is None:
        return None
    known = {name: getattr(where, name) for name in fault.reach}
    return Avoid(seconds=fault.seconds, provider=where.provider, **known)


def _build(fault: Fault, message: str, where: Where, avoid: Avoid | None, retry_after: float | None) -> CloudError:
    if issubclass(fault.error, CapacityError):
        return fault.error(message, scope=capacity_scope(avoid))
    if issubclass(fault.error, QuotaError):
        return fault.error(message, name=fault.quota)
    if issubclass(fault.error, Throttled):
        return fault.error(message, retry_after=retry_after)
    return fault.error(message)
