"""Azure's descriptions of load balancers, read as ours, and the document that makes one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.azure.marks import ASKED, MAKING, NAME, read_labels, tags_of
from cloudlayer.resources import Listener, LoadBalancer, LoadBalancerSpec, LoadBalancerState

POOL: Final = "targets"
"""The name of the one backend pool that a balancer of ours has."""

_FRONT: Final = "front"
_SHORTEST_INTERVAL: Final = 5
_IDLE_MINUTES: Final = 4

_STATES: Final[Mapping[str, LoadBalancerState]] = {
    "succeeded": LoadBalancerState.ACTIVE,
    "deleting": LoadBalancerState.DELETING,
    "failed": LoadBalancerState.FAILED,
}


def check_spec(spec: LoadBalancerSpec) -> None:
    """Raise InvalidSpec, a line a fault, for what Azure refuses."""
    interval, ports = spec.health_check.interval, [listener.target_port for listener in spec.listeners]
    faults = []
    if interval < _SHORTEST_INTERVAL:
        faults.append(f"health_check.interval: {interval:g} s is shorter than Azure's shortest, {_SHORTEST_INTERVAL} s")
    if len(ports) != len(set(ports)):
        faults.append("listeners: two send to the same target port, which Azure refuses: give each a target port of its own")
    if faults:
        raise InvalidSpec("\n".join(faults))


def balancer_document(spec: LoadBalancerSpec, id: str, front: Mapping[str, Any], region: str) -> dict[str, Any]:
    """What makes a balancer of this id, but for its tags; `front` is where its address comes from.

    Each listener is a rule with a probe of its own. A connection that is idle for four minutes is reset on both sides.
    """
    return {
        "location": region,
        "sku": {"name": "Standard"},
        "properties": {
            "frontendIPConfigurations": [{"name": _FRONT, "properties": dict(front)}],
            "backendAddressPools": [{"name": POOL, "properties": {}}],
            "probes": [_probe(spec, listener) for listener in spec.listeners],
            "loadBalancingRules": [_rule(id, listener) for listener in spec.listeners],
        },
    }


def read_balancer(found: Mapping[str, Any], region: str, addresses: Mapping[str, str | None]) -> LoadBalancer:
    """A balancer from its description; `addresses` are those of public addresses by their ids in small letters."""
    tags = tags_of(found)
    state = _STATES.get(str(found["properties"].get("provisioningState") or "creating").lower(), LoadBalancerState.UPDATING)
    if MAKING in tags and state in (LoadBalancerState.ACTIVE, LoadBalancerState.UPDATING):
        state = LoadBalancerState.CREATING
    return LoadBalancer(
        found["name"],
        "azure",
        region,
        state=state,
        name=tags.get(NAME, str(found["name"])),
        address=_address(found, addresses),
        listeners=tuple(_listeners(found)),
        labels=read_labels(tags),
        native=found,
    )


def public_id(found: Mapping[str, Any]) -> str | None:
    """The id of a balancer's public address; None if it has a private one."""
    for front in found["properties"].get("frontendIPConfigurations") or ():
        address = front["properties"].get("publicIPAddress")
        if address:
            return str(address["id"])
    return None


def pool_of(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """A balancer's backend pool; an empty one where it has none."""
    return next(iter(found["properties"].get("backendAddressPools") or ()), {})


def asked(drain: float, subnet: str | None) -> str:
    """What of a spec Azure itself does not keep: the drain in seconds, and the subnet where one was named."""
    return f"{drain:g} {subnet or ''}".strip()


def read_asked(tags: Mapping[str, str]) -> tuple[float, str | None]:
    """Drain and subnet, as `asked` wrote them."""
    drain, _, subnet = tags.get(ASKED, "0").partition(" ")
    return float(drain), subnet or None


def _probe(spec: LoadBalancerSpec, listener: Listener) -> dict[str, Any]:
    check = spec.health_check
    path = {"requestPath": check.path or "/"} if check.protocol == "http" else {}
    return {
        "name": f"check-{listener.port}",
        "properties": {
            "protocol": check.protocol.capitalize(),
            "port": check.port or listener.target_port,
            "intervalInSeconds": math.ceil(check.interval),
            "numberOfProbes": check.unhealthy_after,
            **path,
        },
    }


def _rule(id: str, listener: Listener) -> dict[str, Any]:
    return {
        "name": f"listener-{listener.port}",
        "properties": {
            "protocol": "Tcp",
            "frontendPort": listener.port,
            "backendPort": listener.target_port,
            "frontendIPConfiguration": {"id": f"{id}/frontendIPConfigurations/{_FRONT}"},
            "backendAddressPool": {"id": f"{id}/backendAddressPools/{POOL}"},
            "probe": {"id": f"{id}/probes/check-{listener.port}"},
            "idleTimeoutInMinutes": _IDLE_MINUTES,
            "enableTcpReset": True,
        },
    }


def _listeners(found: Mapping[str, Any]) -> Iterator[Listener]:
    """Listeners in the order of their ports; those that are not for TCP are left out."""
    rules = [rule["properties"] for rule in found["properties"].get("loadBalancingRules") or ()]
    for rule in sorted(rules, key=lambda rule: int(rule["frontendPort"])):
        if str(rule["protocol"]).lower() == "tcp" and rule["frontendPort"] and rule.get("backendPort"):
            yield Listener(port=rule["frontendPort"], protocol="tcp", target_port=rule["backendPort"])


def _address(found: Mapping[str, Any], addresses: Mapping[str, str | None]) -> str | None:
    public = public_id(found)
    if public is not None:
        return addresses.get(public.lower())
    fronts = found["properties"].get("frontendIPConfigurations") or ()
    return next((front["properties"].get("privateIPAddress") for front in fronts), None)
