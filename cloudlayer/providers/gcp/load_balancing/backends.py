"""What a balancer's backend services send to: instance groups of machines, or endpoint groups of addresses.

Instances of a zone are in one unmanaged group, a scaling group is its own; a machine can be in one such group that is balanced.
Addresses are of machines outside of Google that private routes lead to (VPN, Interconnect): its own are instances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.base.patience import insist
from cloudlayer.providers.gcp.client import Client, basename
from cloudlayer.providers.gcp.codes import STALE
from cloudlayer.providers.gcp.compute.instances import split_id
from cloudlayer.providers.gcp.load_balancing.members import Members, id_of
from cloudlayer.providers.gcp.load_balancing.pieces import ENDPOINTS, MACHINES, SERVICE, Piece, Pieces
from cloudlayer.providers.gcp.load_balancing.plans import Form, check_takes, check_targets, part, service_of
from cloudlayer.providers.gcp.places import Places
from cloudlayer.resources import TargetSpec

Find = Callable[[str, Deadline], Any]
"""The description of a scaling group's manager; NotFound if it is not there."""

RATE: Final = 1000.0
"""Requests a second that a target takes before others are preferred, where no policy of a group says how many."""
_CONNECTIONS: Final = 10_000
_MIXED: Final = (
    "targets: this balancer has {present}, and a backend service of Google takes nothing else beside: make another balancer"
)


def port_name(port: int) -> str:
    """What an instance group calls a port."""
    return f"p{port}"


class Backends:
    """Backend services of balancers in one region, and what is behind them."""

    def __init__(self, client: Client, pieces: Pieces, find_group: Find, clock: Clock) -> None:
        self._client = client
        self._pieces = pieces
        self._find_group = find_group
        self._clock = clock
        self._members = Members(client)
        self._places = Places(client)

    def check(self, targets: Iterable[TargetSpec], deadline: Deadline) -> None:
        """Raise NotFound for an instance or group that is not there."""
        for target in targets:
            if target.instance is not None:
                zone, name = split_id(target.instance)
                self._client.call("instances", "get", zone=zone, instance=name, deadline=deadline)
            elif target.group is not None:
                self._find_group(target.group, deadline)

    def register(self, id: str, form: Form, targets: Sequence[TargetSpec], description: str, deadline: Deadline) -> None:
        """Let the targets, which are there, be sent to; `description` is for what is made for them."""
        check_targets(targets)
        check_takes(form, targets)
        if not targets:
            return
        self._turn(id, form, targets, deadline)
        instances = [target.instance for target in targets if target.instance is not None]
        addresses = [target.address for target in targets if target.address is not None]
        for group in (target.group for target in targets if target.group is not None):
            self.attach(id, form, self._find_group(group, deadline), deadline)
        self._add_instances(id, form, instances, description, deadline)
        if addresses:
            self._add_addresses(id, form, addresses, description, deadline)

    def attach(self, id: str, form: Form, manager: Any, deadline: Deadline, rate: float = RATE) -> None:
        """Let the members of a scaling group be sent to. `rate` is how many requests a second each of them takes."""
        if form.proxied:
            self._members.name_ports(manager.instance_group, _named_ports(form), deadline)
        for port, protocol, _ in form.listeners:
            self._add(id, form, port, _backend(form, protocol, manager.instance_group, rate), deadline)

    def detach(self, id: str, form: Form, group: str, deadline: Deadline) -> None:
        """Send to an instance group no more, by its URL; no error if nothing does."""
        for port, _, _ in form.listeners:
            self._change(id, form, port, lambda service: _without(service, group), deadline)

    def remove(self, id: str, form: Form, targets: Sequence[TargetSpec], deadline: Deadline) -> None:
        """Take targets out; those that are not there are no error."""
        for target in targets:
            if target.group is not None:
                for url in self.groups(id, form, deadline):
                    if basename(url) == target.group:
                        self.detach(id, form, url, deadline)
        names = {target.id for target in targets if target.group is None}
        for url in self.groups(id, form, deadline) if names else ():
            if basename(url).startswith(id):
                self._members.remove(url, names, deadline)

    def present(self, id: str, form: Form, deadline: Deadline) -> set[str]:
        """The ids of what can be taken out: instances, addresses and groups."""
        found: set[str] = set()
        for url in self.groups(id, form, deadline):
            own = basename(url).startswith(id)
            found |= {id_of(member) for member in self._members.of(url, deadline)} if own else {basename(url)}
        return found

    def groups(self, id: str, form: Form, deadline: Deadline) -> list[str]:
        """The URLs of all that the listeners' backend services send to, each once."""
        services = (service_of(self._pieces, id, form, port, deadline) for port, _, _ in form.listeners)
        return list(dict.fromkeys(backend.group for service in services for backend in service.backends))

    def _turn(self, id: str, form: Form, targets: Sequence[TargetSpec], deadline: Deadline) -> None:
        """Let a balancer without targets take those of the other kind. Unsupported if it has some."""
        word = ENDPOINTS.word if targets[0].address is not None else MACHINES.word
        others = [url for url in self.groups(id, form, deadline) if f"/{word}/" not in url]
        for url in others:
            if not basename(url).startswith(id) or self._members.of(url, deadline):
                present = "instances or groups" if word == ENDPOINTS.word else "addresses"
                raise Unsupported(_MIXED.format(present=present), provider="gcp", code="Unsupported")
        for url in others:
            self.detach(id, form, url, deadline)

    def _add_instances(self, id: str, form: Form, instances: Sequence[str], description: str, deadline: Deadline) -> None:
        zones: dict[str, list[str]] = {}
        for instance in instances:
            zones.setdefault(split_id(instance)[0], []).append(instance)
        for zone, members in sorted(zones.items()):
            piece = Piece(MACHINES, id, zone=zone)
            ports = {"named_ports": _named_ports(form)} if form.proxied else {}
            self._pieces.make({piece: {"description": description, **ports}}, deadline)
            url = self._pieces.get(piece, deadline).self_link
            self._members.add_instances(url, members, deadline)
            for port, protocol, _ in form.listeners:
                self._add(id, form, port, _backend(form, protocol, url, RATE), deadline)

    def _add_addresses(self, id: str, form: Form, addresses: Sequence[str], description: str, deadline: Deadline) -> None:
        """Each listener's endpoints are apart, since each has a port of its own; all are in the region's first zone."""
        zone = self._places.zones(deadline)[0]
        pieces = {port: Piece(ENDPOINTS, part(id, port), zone=zone) for port, _, _ in form.listeners}
        body = {
            "network_endpoint_type": "NON_GCP_PRIVATE_IP_PORT",
            "network": form.network,
            "description": description,
        }
        self._pieces.make(dict.fromkeys(pieces.values(), body), deadline)
        for port, protocol, target_port in form.listeners:
            url = self._pieces.get(pieces[port], deadline).self_link
            self._members.add_addresses(url, addresses, target_port, deadline)
            self._add(id, form, port, _backend(form, protocol, url, RATE), deadline)

    def _add(self, id: str, form: Form, port: int, backend: dict[str, Any], deadline: Deadline) -> None:
        self._change(id, form, port, lambda service: _with(service, backend), deadline)

    def _change(self, id: str, form: Form, port: int, wanted: Callable[[Any], Any], deadline: Deadline) -> None:
        """Give the listener's backend service the backends that `wanted` makes of it, if they are others."""
        piece = form.piece(SERVICE, part(id, port))

        def attempt() -> None:
            service = service_of(self._pieces, id, form, port, deadline)
            backends = wanted(service)
            if backends is not None:
                service.backends = backends
                self._pieces.change(piece, "update", deadline, backend_service_resource=service)

        insist(attempt, STALE, self._clock, deadline, f"changing {piece.name}")


def _with(service: Any, backend: dict[str, Any]) -> list[Any] | None:
    """The backends with another one; None if it is among them as it is."""
    for present in service.backends:
        if same_group(present.group, backend["group"]):
            if all(getattr(present, name) == value for name, value in backend.items() if name != "group"):
                return None
            return [*_others(service, backend["group"]), backend]
    return [*service.backends, backend]


def _without(service: Any, group: str) -> list[Any] | None:
    others = _others(service, group)
    return others if len(others) < len(service.backends) else None


def _others(service: Any, group: str) -> list[Any]:
    return [backend for backend in service.backends if not same_group(backend.group, group)]


def same_group(one: str, other: str) -> bool:
    """Whether two URLs lead to the same group, however much of its address each tells."""
    return one.partition("/projects/")[2] == other.partition("/projects/")[2]


def _named_ports(form: Form) -> list[dict[str, Any]]:
    ports = sorted({target_port for _, _, target_port in form.listeners})
    return [{"name": port_name(port), "port": port} for port in ports]


def _backend(form: Form, protocol: str, group: str, rate: float) -> dict[str, Any]:
    """How a backend is filled: these modes can be mixed where an instance group is behind several balancers."""
    each = "endpoint" if f"/{ENDPOINTS.word}/" in group else "instance"
    if not form.proxied:
        return {"group": group, "balancing_mode": "CONNECTION"}
    if protocol == "tcp":
        return {"group": group, "balancing_mode": "CONNECTION", f"max_connections_per_{each}": _CONNECTIONS}
    return {"group": group, "balancing_mode": "RATE", f"max_rate_per_{each}": rate}
