"""Octavia's balancers: what a fully populated one is asked for with, and its descriptions read as ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.openstack.tags import labels_of, tagged, word
from cloudlayer.resources import (
    HealthCheck,
    Listener,
    LoadBalancer,
    LoadBalancerSpec,
    LoadBalancerState,
    TargetHealth,
)

Health = Literal["healthy", "unhealthy", "draining", "initial", "unknown"]

_STATE: Final = LoadBalancerState
_STATES: Final[Mapping[str, LoadBalancerState]] = {
    "PENDING_CREATE": _STATE.CREATING,
    "ACTIVE": _STATE.ACTIVE,
    "PENDING_UPDATE": _STATE.UPDATING,
    "PENDING_DELETE": _STATE.DELETING,
    "DELETED": _STATE.DELETED,
    "ERROR": _STATE.FAILED,
}

_LISTENS: Final[Mapping[str, str]] = {"tcp": "TCP", "http": "HTTP", "https": "TERMINATED_HTTPS"}
_SENDS: Final[Mapping[str, str]] = {"tcp": "TCP", "http": "HTTP", "https": "HTTP"}
_READ: Final[Mapping[str, Literal["tcp", "http", "https"]]] = {"TCP": "tcp", "HTTP": "http", "TERMINATED_HTTPS": "https"}

_HEALTH: Final[Mapping[str, Health]] = {
    "ONLINE": "healthy",
    "ERROR": "unhealthy",
    "DEGRADED": "unhealthy",
    "DRAINING": "draining",
    "OFFLINE": "initial",
}
_WORST: Final[Sequence[Health]] = ("unhealthy", "draining", "initial", "unknown", "healthy")
_TRIES: Final = range(1, 11)
_LONGEST_PROBE: Final = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a target is reached: its id, its address, and the labels of what is made for it."""

    target: str
    address: str


def populated(
    spec: LoadBalancerSpec, labels: Mapping[str, str], places: Sequence[Place], through: str | None
) -> dict[str, Any]:
    """Listeners, each with a pool, health monitor and members of its own, as one request makes them.

    `through` is the subnet by which members are reached where the balancer's own is another.
    """
    listeners = []
    for each in spec.listeners:
        tags = tagged(labels, port=each.target_port, check=spec.health_check.port, through=through)
        listeners.append(_listener(spec, each, labels, _pool(spec, each, tags, places)))
    return {"name": spec.name, "listeners": listeners}


def member(place: Place, pool_tags: Sequence[str]) -> dict[str, Any]:
    """A member of the pool that has these tags: they tell its port, that of the check, and the labels."""
    check, through = word(pool_tags, "check"), word(pool_tags, "through")
    return {
        "name": place.target,
        "address": place.address,
        "protocol_port": int(word(pool_tags, "port") or 0),
        "weight": 1,
        "tags": tagged(labels_of(pool_tags), target=place.target),
        **({"monitor_port": int(check)} if check else {}),
        **({"subnet_id": through} if through else {}),
    }


def check_spec(spec: LoadBalancerSpec) -> None:
    """Raise InvalidSpec for what Octavia would refuse."""
    health = spec.health_check
    for name, value in (("healthy_after", health.healthy_after), ("unhealthy_after", health.unhealthy_after)):
        if value not in _TRIES:
            raise InvalidSpec(f"health_check.{name}: Octavia takes 1 to 10, not {value}")


def read_balancer(
    found: Mapping[str, Any], listeners: Iterable[Mapping[str, Any]], pools: Iterable[Mapping[str, Any]], region: str
) -> LoadBalancer:
    """A balancer from its description; of the listeners and pools, those that are its own are taken."""
    ports = {pool["id"]: word(pool["tags"], "port") for pool in pools}
    own = [each for each in listeners if found["id"] in {owner["id"] for owner in each["loadbalancers"]}]
    status = found["provisioning_status"]
    return LoadBalancer(
        found["id"],
        "openstack",
        region,
        state=_STATES[status],
        name=found["name"],
        address=found["vip_address"],
        listeners=tuple(_read_listener(each, ports) for each in _ours(own, ports)),
        labels=labels_of(found["tags"]),
        reason="Octavia's status is ERROR: delete it and make another one" if status == "ERROR" else None,
        native=found,
    )


def target_of(found: Mapping[str, Any]) -> str:
    """The id under which a member was registered, or the address of one that this driver did not make."""
    return word(found["tags"], "target") or str(found["address"])


def worst(members: Iterable[Mapping[str, Any]]) -> list[TargetHealth]:
    """Each target with the worst that any of its members is."""
    seen: dict[str, list[TargetHealth]] = {}
    for each in members:
        seen.setdefault(target_of(each), []).append(_health(each))
    return [min(found, key=lambda health: _WORST.index(health.state)) for found in seen.values()]


def _health(found: Mapping[str, Any]) -> TargetHealth:
    status = found["operating_status"]
    state = "draining" if found["weight"] == 0 else _HEALTH.get(status, "unknown")
    return TargetHealth(target_of(found), state, None if state == "healthy" else f"Octavia's status is {status}")


def _listener(spec: LoadBalancerSpec, each: Listener, labels: Mapping[str, str], pool: Mapping[str, Any]) -> dict[str, Any]:
    certificate = {"default_tls_container_ref": each.certificate} if each.certificate else {}
    return {
        "name": f"{spec.name}-{each.port}",
        "protocol": _LISTENS[each.protocol],
        "protocol_port": each.port,
        "tags": tagged(labels),
        "default_pool": pool,
        **certificate,
    }


def _pool(spec: LoadBalancerSpec, each: Listener, tags: Sequence[str], places: Sequence[Place]) -> dict[str, Any]:
    return {
        "name": f"{spec.name}-{each.port}",
        "protocol": _SENDS[each.protocol],
        "lb_algorithm": "ROUND_ROBIN",
        "healthmonitor": _monitor(spec.health_check, labels_of(tags)),
        "members": [member(place, tags) for place in places],
        "tags": tags,
    }


def _monitor(check: HealthCheck, labels: Mapping[str, str]) -> dict[str, Any]:
    delay = max(1, round(check.interval))
    http = {"url_path": check.path or "/", "expected_codes": "200-299"} if check.protocol == "http" else {}
    return {
        "type": check.protocol.upper(),
        "delay": delay,
        "timeout": min(delay, _LONGEST_PROBE),
        "max_retries": check.healthy_after,
        "max_retries_down": check.unhealthy_after,
        "tags": tagged(labels),
        **http,
    }


def _ours(listeners: Iterable[Mapping[str, Any]], ports: Mapping[str, str | None]) -> list[Mapping[str, Any]]:
    """Those that the surface has words for: a balancer made by others may listen in ways of its own."""
    known = [each for each in listeners if each["protocol"] in _READ and ports.get(each["default_pool_id"])]
    return sorted(known, key=lambda each: int(each["protocol_port"]))


def _read_listener(found: Mapping[str, Any], ports: Mapping[str, str | None]) -> Listener:
    return Listener(
        port=found["protocol_port"],
        protocol=_READ[found["protocol"]],
        target_port=int(ports[found["default_pool_id"]] or 0),
        certificate=found["default_tls_container_ref"],
    )
