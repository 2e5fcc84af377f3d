"""What a balancer is to be: which of Google's kinds, its native name, and what it writes into its pieces' descriptions.

Tcp that keeps its port goes through a passthrough balancer, everything else through proxies: Google's passthrough balancers
cannot change a port. One balancer has one address, so where one listener needs a proxy all have one.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from cloudlayer.errors import Conflict, InvalidSpec, Unsupported
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.providers.gcp.facts import describe
from cloudlayer.providers.gcp.load_balancing.pieces import (
    CHECK,
    HTTP_PROXY,
    HTTPS_PROXY,
    RULE,
    SERVICE,
    TCP_PROXY,
    URL_MAP,
    Kind,
    Piece,
    Pieces,
)
from cloudlayer.providers.gcp.marks import marked
from cloudlayer.providers.gcp.options import BalancerOverrides
from cloudlayer.resources import Listener, LoadBalancerSpec, TargetSpec

PREFIX: Final = "cl-lb-"
"""How the names of all that is made for balancers begin."""
INCOMPLETE: Final = "BalancerIsIncomplete"
"""Our code for a balancer that is not made whole, or half deleted."""
PROXIES: Final[Mapping[str, Kind]] = {"tcp": TCP_PROXY, "http": HTTP_PROXY, "https": HTTPS_PROXY}

_LONGEST: Final = {"interval": 300, "drain": 3600}
_MOST: Final = 10
_NO_ADDRESSES: Final = (
    "targets: a passthrough balancer sends to machines alone: give its listeners another target_port, or set "
    "overrides.proxied, so that a proxy sends to addresses"
)


@dataclass(frozen=True, slots=True)
class Form:
    """Which of Google's balancers it is: passthrough or of proxies, public or internal; and how long targets drain.

    `listeners` are port, protocol and target port of each.
    """

    proxied: bool
    public: bool
    drain: int
    network: str
    listeners: tuple[tuple[int, str, int], ...]

    @property
    def regional(self) -> bool:
        """Whether it belongs to the region: public proxies are global."""
        return not (self.proxied and self.public)

    @property
    def scheme(self) -> str:
        """Google's word for it."""
        return ("EXTERNAL" if self.public else "INTERNAL") + ("_MANAGED" if self.proxied else "")

    def piece(self, kind: Kind, name: str) -> Piece:
        """A piece of it, in its own scope."""
        return Piece(kind, name, regional=self.regional)

    def facts(self) -> list[Any]:
        """The form, for JSON."""
        return [self.proxied, self.public, self.drain, self.network, self.listeners]


@dataclass(frozen=True, slots=True)
class BalancerPlan:
    """A balancer that is to be made in a region. `marks` are on all of its pieces."""

    id: str
    region: str
    spec: LoadBalancerSpec
    overrides: BalancerOverrides
    form: Form
    marks: dict[str, str]
    digest: str

    def described(self, **facts: Any) -> str:
        """The description of one of its pieces, with these facts besides the marks."""
        return describe(self.marks, {**facts, "region": self.region})


def balancer_id(token: str) -> str:
    """The native name of the balancer of a token."""
    return f"{PREFIX}{UUID(token).hex[:16]}"


def part(id: str, port: int) -> str:
    """The name of what belongs to the listener at a port."""
    return f"{id}-{port}"


def planned(spec: LoadBalancerSpec, token: str, overrides: BalancerOverrides, network: str, region: str) -> BalancerPlan:
    """The plan of a spec; raises for what Google would refuse, before any call."""
    check_figures(spec)
    check_targets(spec.targets)
    proxied = overrides.proxied or any(target.address for target in spec.targets)
    proxied = proxied or any(each.protocol != "tcp" or each.port != each.target_port for each in spec.listeners)
    listeners = tuple((each.port, each.protocol, each.target_port) for each in spec.listeners)
    form = Form(proxied, spec.public, math.ceil(spec.drain), network, listeners)
    digest = fingerprint([spec])
    marks = marked(spec.labels, spec.name, token, digest)
    plan = BalancerPlan(balancer_id(token), region, spec, overrides, form, marks, digest)
    plan.described(form=form.facts())  # so that labels which do not fit are told before any call
    return plan


def check_figures(spec: LoadBalancerSpec) -> None:
    """Raise InvalidSpec, a line a fault, for figures that Google refuses."""
    check = spec.health_check
    bounds = {
        "health_check.interval": (check.interval, _LONGEST["interval"], " s"),
        "health_check.healthy_after": (check.healthy_after, _MOST, ""),
        "health_check.unhealthy_after": (check.unhealthy_after, _MOST, ""),
        "drain": (spec.drain, _LONGEST["drain"], " s"),
    }
    faults = [
        f"{name}: {value:g}{unit} is more than Google takes, {most}{unit}"
        for name, (value, most, unit) in bounds.items()
        if value > most
    ]
    if faults:
        raise InvalidSpec("\n".join(faults))


def check_targets(targets: Iterable[TargetSpec]) -> None:
    """Raise for addresses that cannot be reached, and for addresses beside machines, which no backend service takes."""
    kinds = set()
    for target in targets:
        kinds.add("addresses" if target.address is not None else "machines")
        if target.address is not None:
            _check_address(target.address)
    if len(kinds) > 1:
        reason = "targets: a balancer of Google takes either addresses or instances and groups: make one for each"
        raise Unsupported(reason, provider="gcp", code="Unsupported")


def check_takes(form: Form, targets: Iterable[TargetSpec]) -> None:
    """Raise Unsupported if a balancer of this form cannot send to these targets."""
    if not form.proxied and any(target.address is not None for target in targets):
        raise Unsupported(_NO_ADDRESSES, provider="gcp", code="Unsupported")


def read_form(facts: Mapping[str, Any]) -> Form:
    """The form, from the facts of a balancer's first piece."""
    proxied, public, drain, network, listeners = facts["form"]
    return Form(proxied, public, drain, network, tuple((port, protocol, target) for port, protocol, target in listeners))


def layers(id: str, form: Form) -> list[list[Piece]]:
    """What is made for its listeners, by its names: each layer needs none but those after it."""
    rules = [form.piece(RULE, part(id, port)) for port, _, _ in form.listeners]
    proxies = [form.piece(PROXIES[protocol], part(id, port)) for port, protocol, _ in form.listeners] if form.proxied else []
    maps = [form.piece(URL_MAP, part(id, port)) for port, protocol, _ in form.listeners if protocol != "tcp"]
    services = [form.piece(SERVICE, part(id, port)) for port, _, _ in form.listeners]
    checks = [form.piece(CHECK, part(id, port)) for port, _, _ in form.listeners[1:]]
    return [rules, proxies, maps, services, checks]


def service_of(pieces: Pieces, id: str, form: Form, port: int, deadline: Deadline) -> Any:
    """The backend service of the listener at a port; Conflict for a balancer that has none, since it is not whole."""
    found = pieces.find(form.piece(SERVICE, part(id, port)), deadline)
    if found is None:
        message = f"{id} is not whole: repeat its create until it is active, or delete it"
        raise Conflict(message, provider="gcp", code=INCOMPLETE)
    return found


def check_name(id: str, form: Form, listener: Listener) -> str:
    """The name of a listener's health check: that of the first one is the balancer's own, which makes it listed."""
    return id if listener.port == form.listeners[0][0] else part(id, listener.port)


def _check_address(address: str) -> None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise InvalidSpec(f'targets.address: "{address}" is no IP address; give one, such as "10.0.0.7"') from None
    if found.version != 4 or not found.is_private:
        raise InvalidSpec(
            f'targets.address: "{address}" is no private IPv4 address, and Google\'s proxies reach no others here'
        )
