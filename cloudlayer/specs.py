"""What every spec has in common: strict fields, texts with units, and faults told in one line each."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from cloudlayer.errors import InvalidSpec
from cloudlayer.units import parse_duration, parse_size

_NAME: Final = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
HOST_ADDRESS: Final = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9._:%-]*", re.ASCII)
"""What the name or the address of a host is made of: an SSH client takes none for an option, nor has it a port."""
HOST_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
"""The same for the name of a user there."""


class Spec(BaseModel):
    """Base of all specs: immutable, unknown keys are errors, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _size(value: Any) -> Any:
    return parse_size(value) if isinstance(value, str) else value


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _positive(value: float) -> float:
    if not 0 < value < float("inf"):
        raise ValueError("must be more than 0")
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f'"{value}" is a name that some cloud refuses: use 1 to 40 small letters, digits and hyphens, '
            "starting with a letter and not ending in a hyphen"
        )
    return value


def _address(value: str) -> str:
    if not HOST_ADDRESS.fullmatch(value):
        raise ValueError(f'"{value}" is no address: write a host name or an IP address, its port apart')
    return value


def _user(value: str) -> str:
    if not HOST_USER.fullmatch(value):
        raise ValueError(f'"{value}" is no name of a user')
    return value


Number = Annotated[float, BeforeValidator(_float)]
"""A number; a whole one may be given without its point."""
Size = Annotated[int, BeforeValidator(_size), AfterValidator(_positive)]
"""Bytes; given as text with a unit, or as an int of bytes."""
Duration = Annotated[float, BeforeValidator(_duration), BeforeValidator(_float), AfterValidator(_positive)]
"""Seconds; given as text with a unit, or as a number of seconds."""
Cores = Annotated[Number, AfterValidator(_positive)]
"""Processor cores; half a core is 0.5."""
Name = Annotated[str, AfterValidator(_name)]
"""A name that every cloud accepts."""
HostAddress = Annotated[str, AfterValidator(_address)]
"""The name or the IP address of a host that is reached by SSH."""
UserName = Annotated[str, AfterValidator(_user)]
"""The name of a user on such a host."""

SpecType = TypeVar("SpecType", bound=BaseModel)
Location: TypeAlias = tuple[int | str, ...]
"""Where something is in a document: keys and indices."""


def checked(model: type[SpecType], data: Any, place: str) -> SpecType:
    """Validate `data` as `model`; raises InvalidSpec, a line a fault, each starting with `place` ("aws", "fleet.toml: ")."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = [f"{_path(place, location)}: {reason}" for location, reason in _faults(error, model)]
        raise InvalidSpec("\n".join(found)) from None


def faults(model: type[BaseModel], data: Any) -> list[tuple[Location, str]]:
    """What is wrong with `data` as `model`: where, and a line that says what."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        return _faults(error, model)
    return []


def _faults(error: ValidationError, model: type[BaseModel]) -> list[tuple[Location, str]]:
    found = error.errors()
    return [(fault["loc"], _reason(fault, model).replace("\n", "\\n")) for fault in found if not _follows(fault, found)]


def _follows(fault: ErrorDetails, faults: list[ErrorDetails]) -> bool:
    """Whether a fault is only that of the parts in it: a list whose items are wrong counts as too short."""
    depth = len(fault["loc"])
    return any(len(other["loc"]) > depth and other["loc"][:depth] == fault["loc"] for other in faults)


def _path(place: str, location: Location) -> str:
    path = place
    for part in location:
        dot = "." if path and not path.endswith(": ") else ""
        path += f"[{part}]" if isinstance(part, int) else f"{dot}{part}"
    return path.removesuffix(": ")


def _reason(fault: ErrorDetails, model: type[BaseModel]) -> str:
    kind, message = fault["type"], fault["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"unknown key; known here: {', '.join(_known_keys(model, fault['loc'])) or 'none'}"
    if kind == "missing":
        return "is required"
    given = fault["input"]
    if kind == "value_error" or not isinstance(given, str | int | float | bool):
        return message
    return f"{message}, not {given!r}"


def _known_keys(model: type[BaseModel], location: Location) -> list[str]:
    current: Any = model
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part)
        current = _model_in(field.annotation) if field is not None else None
        if current is None:
            return []
    return sorted(field.alias or name for name, field in current.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)
