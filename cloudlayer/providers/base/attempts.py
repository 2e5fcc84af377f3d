"""Attempts: the UUIDs that make a create idempotent, what is derived from them, and the labels that carry them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar
from uuid import UUID, uuid5

from cloudlayer import labels as names
from cloudlayer.errors import Conflict, InvalidSpec
from cloudlayer.specs import Spec


class _Labelled(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def labels(self) -> Mapping[str, str]: ...


Thing = TypeVar("Thing", bound=_Labelled)


def checked_token(token: str) -> str:
    """The token in its canonical form; InvalidSpec if it is no UUID."""
    try:
        return str(UUID(token))
    except (ValueError, AttributeError, TypeError):
        raise InvalidSpec(f'token: "{token}" is not a UUID; make one with uuid.uuid4() and keep it for retries') from None


def derive(token: str, *parts: object) -> str:
    """The UUID of a part of an attempt: the same parts of the same token always give the same one."""
    return str(uuid5(UUID(token), "/".join(str(part) for part in parts)))


def fingerprint(specs: Sequence[Spec]) -> str:
    """16 hexadecimal digits that differ when the specs or their order do; fit for a label."""
    content = [spec.model_dump(mode="json") for spec in specs]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def native_name(name: str | None, token: str, longest: int) -> str:
    """A name for clouds that let a name be used once: always the same for a token, and still readable.

    `longest` characters at most, at least 20, of a-z 0-9 and hyphens; it starts with a letter.
    """
    tail = UUID(token).hex[:16]
    return f"{(name or 'cl')[: longest - len(tail) - 1].rstrip('-')}-{tail}"


def adopted(found: Iterable[Thing], digest: str, *, provider: str) -> Thing | None:
    """Of the things that carry one token, the one that a create gives: the oldest, so that all who look choose the same.

    None if there is none. Conflict if it was made for another spec, by its label SPEC.
    """
    things = sorted(found, key=lambda thing: (str(getattr(thing, "created_at", None) or ""), thing.id))
    if not things:
        return None
    if things[0].labels.get(names.SPEC) != digest:
        message = f"this token was used for another spec, that of {things[0].id}: a changed spec is a new attempt"
        raise Conflict(message, provider=provider, code="TokenReused")
    return things[0]


_OWN: Final = (names.TOKEN, names.SPEC)


@dataclass(frozen=True, slots=True)
class LabelLimits:
    """What a cloud accepts as labels: patterns of a name and a value with the words that describe them, and how many.

    `caseless` is for a cloud to which names that differ in case alone are one.
    """

    name: re.Pattern[str]
    value: re.Pattern[str]
    most: int
    rule: str
    caseless: bool = False

    def check(self, labels: Mapping[str, str]) -> None:
        """Raise InvalidSpec, a line a fault, for labels that the cloud would refuse or that the provider itself sets."""
        faults = [f"labels.{name}: is set by cloudlayer itself; leave it out" for name in labels if name in _OWN]
        faults += [
            f"labels.{name}: {self.rule}"
            for name, value in labels.items()
            if not self.name.fullmatch(name) or not self.value.fullmatch(value)
        ]
        if self.caseless and len({name.lower() for name in labels}) < len(labels):
            faults.append("labels: two names differ in case alone, which are one to this cloud: leave one of them out")
        if len(labels) > self.most:
            faults.append(f"labels: {len(labels)} are too many; at most {self.most} fit")
        if faults:
            raise InvalidSpec("\n".join(faults))


_PLAIN: Final = "a name is 1 to 63 of a-z 0-9 _ - and starts with a letter, a value at most 63 of them"
PLAIN_LABELS: Final = LabelLimits(
    re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII), re.compile(r"[a-z0-9_-]{0,63}", re.ASCII), most=60, rule=_PLAIN
)
"""The labels that every cloud takes."""
