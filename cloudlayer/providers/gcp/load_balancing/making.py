"""How a balancer is made: its first health check, by which it is listed, and then layer by layer what its listeners need.

The forwarding rules come last: a balancer is complete when it has one for each listener.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.gcp.client import Client
from cloudlayer.providers.gcp.load_balancing.backends import Backends, port_name
from cloudlayer.providers.gcp.load_balancing.pieces import ADDRESS, CHECK, FIREWALL, RULE, SERVICE, URL_MAP, Piece, Pieces
from cloudlayer.providers.gcp.load_balancing.plans import PROXIES, BalancerPlan, check_name, part
from cloudlayer.providers.gcp.places import Places
from cloudlayer.resources import Listener

_PROBES: Final = ("35.191.0.0/16", "130.211.0.0/22")
"""Where Google's health checks come from, and the global proxies too."""
_ANYWHERE: Final = ("0.0.0.0/0",)
_PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_LONGEST_PROBE: Final = 5


class BalancerMaking:
    """Makes balancers in one region; every step may be taken again."""

    def __init__(self, client: Client, pieces: Pieces, backends: Backends) -> None:
        self._client = client
        self._pieces = pieces
        self._backends = backends
        self._places = Places(client)

    def check(self, plan: BalancerPlan, deadline: Deadline) -> None:
        """Raise for targets that are not there, and InvalidSpec for a proxy-only subnet that is missing."""
        self._sources(plan, deadline)
        self._backends.check(plan.spec.targets, deadline)

    def begin(self, plan: BalancerPlan, deadline: Deadline) -> None:
        """Make the first health check: from now on the balancer is listed, as being made."""
        first = plan.spec.listeners[0]
        self._pieces.make({self._check_piece(plan, first): self._check(plan, first, form=plan.form.facts())}, deadline)

    def complete(self, plan: BalancerPlan, deadline: Deadline) -> None:
        """Make what is left to be made, targets before what leads to them."""
        rest = plan.spec.listeners[1:]
        address = plan.form.piece(ADDRESS, plan.id)
        checks = {self._check_piece(plan, each): self._check(plan, each) for each in rest}
        self._pieces.make({address: self._address(plan), **checks}, deadline)
        reserved = str(self._pieces.get(address, deadline).address)
        services = {self._piece(plan, SERVICE, each): self._service(plan, each) for each in plan.spec.listeners}
        self._pieces.make({Piece(FIREWALL, plan.id): self._firewall(plan, reserved, deadline), **services}, deadline)
        self._backends.register(plan.id, plan.form, plan.spec.targets, plan.described(), deadline)
        if plan.form.proxied:
            self._proxies(plan, deadline)
        rules = {self._piece(plan, RULE, each): self._rule(plan, each, reserved) for each in plan.spec.listeners}
        self._pieces.make(rules, deadline)

    def _proxies(self, plan: BalancerPlan, deadline: Deadline) -> None:
        web = [each for each in plan.spec.listeners if each.protocol != "tcp"]
        maps = {self._piece(plan, URL_MAP, each): self._url_map(plan, each) for each in web}
        self._pieces.make(maps, deadline)
        proxies = {self._piece(plan, PROXIES[each.protocol], each): self._proxy(plan, each) for each in plan.spec.listeners}
        self._pieces.make(proxies, deadline)

    def _address(self, plan: BalancerPlan) -> dict[str, Any]:
        """An address of its own, which all listeners share."""
        if plan.spec.public:
            return {"address_type": "EXTERNAL", "description": plan.described()}
        return {
            "address_type": "INTERNAL",
            "purpose": "SHARED_LOADBALANCER_VIP",
            "subnetwork": self._subnetwork(plan),
            "description": plan.described(),
        }

    def _check(self, plan: BalancerPlan, listener: Listener, **facts: Any) -> dict[str, Any]:
        check = plan.spec.health_check
        interval = max(1, math.ceil(check.interval))
        probe: dict[str, Any] = {"port": check.port or listener.target_port, "port_specification": "USE_FIXED_PORT"}
        if check.protocol == "http":
            probe["request_path"] = check.path or "/"
        return {
            "type_": check.protocol.upper(),
            f"{check.protocol}_health_check": probe,
            "check_interval_sec": interval,
            "timeout_sec": min(interval, _LONGEST_PROBE),
            "healthy_threshold": check.healthy_after,
            "unhealthy_threshold": check.unhealthy_after,
            "description": plan.described(**facts),
        }

    def _service(self, plan: BalancerPlan, listener: Listener) -> dict[str, Any]:
        named = {"port_name": port_name(listener.target_port)} if plan.form.proxied else {}
        return {
            "load_balancing_scheme": plan.form.scheme,
            "protocol": "TCP" if listener.protocol == "tcp" else "HTTP",
            "health_checks": [self._pieces.link(self._check_piece(plan, listener))],
            "connection_draining": {"draining_timeout_sec": plan.form.drain},
            "description": plan.described(),
            **named,
        }

    def _url_map(self, plan: BalancerPlan, listener: Listener) -> dict[str, Any]:
        return {"default_service": self._link(plan, SERVICE, listener), "description": plan.described()}

    def _proxy(self, plan: BalancerPlan, listener: Listener) -> dict[str, Any]:
        described = {"description": plan.described()}
        if listener.protocol == "tcp":
            return {"service": self._link(plan, SERVICE, listener), **described}
        proxy: dict[str, Any] = {"url_map": self._link(plan, URL_MAP, listener), **described}
        if listener.certificate is not None:
            proxy["ssl_certificates"] = [self._certificate(plan, listener.certificate)]
        return proxy

    def _certificate(self, plan: BalancerPlan, name: str) -> str:
        return name if "/" in name else self._client.link("sslCertificates", name, region=plan.form.regional)

    def _rule(self, plan: BalancerPlan, listener: Listener, address: str) -> dict[str, Any]:
        form = plan.form
        rule: dict[str, Any] = {
            "I_p_address": address,
            "I_p_protocol": "TCP",
            "load_balancing_scheme": form.scheme,
            "description": plan.described(listener=listener.model_dump(exclude_none=True)),
        }
        if form.proxied:
            rule["target"] = self._link(plan, PROXIES[listener.protocol], listener)
            rule["port_range"] = f"{listener.port}-{listener.port}"
        else:
            rule["backend_service"] = self._link(plan, SERVICE, listener)
            rule["ports"] = [str(listener.port)]
        if not form.public:
            rule["network"], rule["subnetwork"] = form.network, self._subnetwork(plan)
        return rule

    def _firewall(self, plan: BalancerPlan, address: str, deadline: Deadline) -> Mapping[str, Any]:
        """What lets in Google's probes, and clients or proxies.

        What a passthrough balancer sends on is still meant for the balancer's address, so its rule opens nothing else. A
        proxy's rule is for all machines of the network, and lets in the proxies alone.
        """
        form, check = plan.form, plan.spec.health_check
        ports = {check.port} if check.port else set()
        ports |= {each.target_port for each in plan.spec.listeners}
        rule: dict[str, Any] = {
            "network": form.network,
            "direction": "INGRESS",
            "source_ranges": self._sources(plan, deadline),
            "allowed": [{"I_p_protocol": "tcp", "ports": [str(port) for port in sorted(ports)]}],
            "description": plan.described(),
        }
        if not form.proxied:
            rule["destination_ranges"] = [f"{address}/32"]
        return rule

    def _sources(self, plan: BalancerPlan, deadline: Deadline) -> list[str]:
        form = plan.form
        if not form.proxied:
            return [*(_ANYWHERE if form.public else (*_PRIVATE, *_PROBES))]
        inside = [] if form.public else [self._places.proxy_range(form.network, deadline)]
        return [*_PROBES, *inside]

    def _subnetwork(self, plan: BalancerPlan) -> str:
        options = self._client.options
        return self._places.subnetwork(plan.overrides.subnetwork or options.subnetwork or plan.form.network.rpartition("/")[2])

    def _check_piece(self, plan: BalancerPlan, listener: Listener) -> Piece:
        return plan.form.piece(CHECK, check_name(plan.id, plan.form, listener))

    def _piece(self, plan: BalancerPlan, kind: Any, listener: Listener) -> Piece:
        return plan.form.piece(kind, part(plan.id, listener.port))

    def _link(self, plan: BalancerPlan, kind: Any, listener: Listener) -> str:
        return self._pieces.link(self._piece(plan, kind, listener))
