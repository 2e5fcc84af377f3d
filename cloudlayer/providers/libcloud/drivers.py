"""Libcloud's drivers by name: their classes, and the arguments that they are made with. Only what is named is imported."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

from libcloud.common.base import BaseDriver
from libcloud.compute.base import NodeDriver
from libcloud.compute.deprecated import DEPRECATED_DRIVERS
from libcloud.compute.providers import DRIVERS
from libcloud.loadbalancer.providers import DRIVERS as BALANCER_DRIVERS

from cloudlayer.errors import InvalidSpec, Unsupported

BALANCERS_OF: Final[Mapping[str, str]] = {"aliyun_ecs": "aliyun_slb"}
"""Drivers whose balancers go by another name than their machines."""

_REGION_NAMES: Final = ("region", "datacenter", "ex_force_service_region")
"""What constructors call the region that a driver is for."""

_HANDED_ON: Final = ("gce",)
"""Drivers of balancers that hand their arguments on to the driver of machines."""

_VERSION: Final = "api_version"
_UNNAMED: Final = ("self", "args", "kwargs")


def node_driver(name: str) -> type[Any]:
    """The class of a driver by Libcloud's name. InvalidSpec, with near matches, if there is none."""
    gone: Mapping[Any, Any] = DEPRECATED_DRIVERS
    if name in gone:
        raise InvalidSpec(f"libcloud: {name} is no longer supported: {gone[name]['reason']}")
    known = {str(one): one for one in DRIVERS}
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.5)
        mend = f"did you mean {' or '.join(near)}" if near else f"there are {', '.join(sorted(known))}"
        raise InvalidSpec(f'libcloud: no driver is called "{name}"; {mend}')
    return _loaded(DRIVERS, known[name], name)


def balancer_driver(name: str) -> type[Any] | None:
    """The class of the balancers of the same name; None if Libcloud has none."""
    wanted = BALANCERS_OF.get(name, name)
    return _loaded(BALANCER_DRIVERS, wanted, name) if wanted in BALANCER_DRIVERS else None


def resolved(driver: type[Any], arguments: Mapping[str, Any]) -> type[Any]:
    """The class that the driver becomes with these arguments: some choose one by the version of the cloud's API."""
    if not _chooses(driver):
        return driver
    version = {name: value for name, value in arguments.items() if name == _VERSION}
    try:
        chooser: Any = driver
        return type(chooser.__new__(driver, key=None, **version))
    except (NotImplementedError, TypeError) as error:
        raise InvalidSpec(f"libcloud: {error}: see the option {_VERSION}") from None


def made(driver: type[Any], arguments: Mapping[str, Any]) -> Any:
    """A driver of the class that `resolved` gave.

    Those that choose their class hand all of their arguments on to `object`, which takes none: a host, for one, would fail.
    """
    if not _chooses(driver):
        found: Any = driver(**arguments)
    else:
        found = object.__new__(driver)
        found.__init__(**arguments)
    _direct(getattr(found, "connection", None), arguments)
    return found


def _direct(connection: Any, arguments: Mapping[str, Any]) -> None:
    """Lead a driver's connection to where it is to be: some constructors take host, port and secure, and drop them."""
    wanted = {name: arguments[name] for name in ("host", "port", "secure") if name in arguments and hasattr(connection, name)}
    if any(getattr(connection, name) != value for name, value in wanted.items()):
        for name, value in wanted.items():
            setattr(connection, name, int(value) if name == "secure" else value)
        connection.connect()


def arguments(driver: type[Any], given: Mapping[str, Any], region: str | None, name: str) -> dict[str, Any]:
    """What the driver is made with: what is given, by the names that its constructor has, and its region.

    Raises InvalidSpec, a line a fault, for names that it has not, and for those that it needs and are not given.
    """
    known = parameters(driver, "__init__")
    place = region_argument(driver)
    made = {**given, **({place: region} if place and region else {})}
    faults = [_unknown(f"libcloud:{name}: {one}", one, known) for one in made if one not in known]
    faults += [f"libcloud:{name}: {one}: is required" for one in _needed(driver) if one not in made]
    if faults:
        raise InvalidSpec("\n".join(faults))
    return made


def balancer_arguments(driver: type[Any], made: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a driver of balancers is made with: of the arguments of the machines' driver, those that it has too."""
    if name in _HANDED_ON:
        return dict(made)
    known = parameters(driver, "__init__")
    return {one: value for one, value in made.items() if one in known}


def protocols(driver: type[Any]) -> tuple[str, ...]:
    """The protocols that a driver's balancers speak; where it has to ask the cloud, those that all do."""
    try:
        unmade: Any = object.__new__(driver)
        told = unmade.list_protocols()
    except Exception:
        return ("tcp", "http")
    return tuple(str(one).lower() for one in told)


def region_argument(driver: type[Any]) -> str | None:
    """What the constructor calls the region; None for a driver that is for all of its locations."""
    own = [kind for kind in driver.__mro__ if kind not in (NodeDriver, BaseDriver, object) and "__init__" in vars(kind)]
    named = {one for kind in own for one in inspect.signature(vars(kind)["__init__"]).parameters}
    return next((one for one in _REGION_NAMES if one in named), None)


def parameters(driver: type[Any], method: str) -> list[str]:
    """The names of a method's parameters, those among them that are handed on to the same method of a base class."""
    found: dict[str, None] = {}
    for kind in driver.__mro__:
        if method not in vars(kind):
            continue
        signature = inspect.signature(vars(kind)[method])
        found.update(dict.fromkeys(one for one in signature.parameters if one not in _UNNAMED))
        if not any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values()):
            break
    return list(found)


def requires(driver: type[Any], method: str, parameter: str) -> bool:
    """Whether a method cannot be called without the parameter."""
    found = inspect.signature(getattr(driver, method)).parameters.get(parameter)
    return found is not None and found.default is found.empty


def check_overrides(driver: type[Any], method: str, overrides: Mapping[str, Any], taken: Iterable[str]) -> None:
    """Raise InvalidSpec, a line a fault, for overrides that the method has no parameter for, or that are set already (`taken`).

    So it does for what the method cannot be called without, and nothing sets.
    """
    known = [one for one in parameters(driver, method) if one not in taken]
    faults = [_unknown(f"overrides.{one}", one, known) for one in overrides if one not in known]
    needed = [one for one in known if one not in overrides and requires(driver, method, one)]
    if faults := [*faults, *(f"overrides.{one}: this driver cannot do without it" for one in needed)]:
        raise InvalidSpec("\n".join(faults))


def overrides(driver: type[Any], base: type[Any], method: str) -> bool:
    """Whether the driver has a method of its own in the place of the base class's, which only says that there is none."""
    return getattr(driver, method, None) is not getattr(base, method, None)


def _needed(driver: type[Any]) -> list[str]:
    signature = inspect.signature(driver.__init__)
    plain = [one for one in signature.parameters.values() if one.kind is one.POSITIONAL_OR_KEYWORD and one.name != "self"]
    return [one.name for one in plain if one.default is one.empty]


def _unknown(place: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"{place}: unknown key; " + (f"did you mean {near[0]}" if near else f"known here: {', '.join(known) or 'none'}")


def _chooses(driver: type[Any]) -> bool:
    return any("__new__" in vars(kind) for kind in driver.__mro__ if kind is not object)


def _loaded(known: Mapping[Any, Any], name: Any, shown: str) -> type[Any]:
    try:
        module, kind = known[name]
        found: type[Any] = getattr(import_module(module), kind)
    except ImportError as error:
        reason = f"libcloud's driver {shown} needs the package {error.name}: pip install {error.name}"
        raise Unsupported(reason, provider=f"libcloud:{shown}") from error
    return found
