"""Values on their way between a program and its resources: Pulumi knows no whole numbers, and of some values nothing yet."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pulumi.output import Unknown
from pulumi.runtime.rpc import UNKNOWN
from pydantic import BaseModel, ValidationError, create_model

from cloudlayer.specs import Location, Spec


def plain(value: Any) -> Any:
    """A value as a spec takes it: whole numbers are ints again, what is None is left out, what is not known is UNKNOWN."""
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def unknowns(value: Any, place: Location = ()) -> Iterator[Location]:
    """The places of what is not known yet, at a preview."""
    if value == UNKNOWN:
        yield place
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from unknowns(each, (*place, name))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from unknowns(each, (*place, number))


def is_known(value: Any) -> bool:
    """Whether all of a value is known."""
    return next(unknowns(value), None) is None


def meant(model: type[Spec], name: str, value: Any) -> Any:
    """What a value of a property means, in one form: "1GiB" is 1073741824, and a default is None, as if it was not given."""
    field = model.model_fields.get(name)
    if field is None or not is_known(value):
        return value
    try:
        read = _alone(model, name).model_validate({name: value})
    except ValidationError:
        return value  # the check has said so, or will
    if getattr(read, name) == field.get_default(call_default_factory=True):
        return None
    return read.model_dump(mode="json", exclude_defaults=True).get(name)


@cache
def _alone(model: type[Spec], name: str) -> type[BaseModel]:
    """A model of that property alone, since another one may not be known yet."""
    field = model.model_fields[name]
    fields: dict[str, Any] = {name: (field.rebuild_annotation(), ...)}
    return create_model(name, __config__=model.model_config, **fields)


def fingerprint(value: Any, salt: str) -> str:
    """What two equal values have in common, and no two others; it does not tell the value, which may be secret."""
    text = json.dumps(plain(value), sort_keys=True, ensure_ascii=True)
    return hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest()
