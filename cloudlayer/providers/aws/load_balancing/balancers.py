"""Elastic Load Balancing's descriptions of balancers, read as ours, and the parameters that ours are made with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.providers.aws.marks import MAKING, all_tags, read_labels
from cloudlayer.providers.aws.tags import NAME
from cloudlayer.resources import HealthCheck, Listener, LoadBalancer, LoadBalancerSpec, LoadBalancerState

NETWORK: Final = "network"
APPLICATION: Final = "application"

_STATES: Final[Mapping[str, LoadBalancerState]] = {
    "provisioning": LoadBalancerState.CREATING,
    "active": LoadBalancerState.ACTIVE,
    "active_impaired": LoadBalancerState.ACTIVE,
    "failed": LoadBalancerState.FAILED,
}
_PROTOCOLS: Final[Mapping[str, Literal["tcp", "http", "https"]]] = {"TCP": "tcp", "HTTP": "http", "HTTPS": "https"}
_INTERVAL: Final = (5, 300)
_COUNT: Final = (2, 10)
_LONGEST_DRAIN: Final = 3600
_LONGEST_TIMEOUT: Final = 6
_ANY_ANSWER: Final = "200-499"
"""An application balancer checks by HTTP alone: any answer but a fault shows that a target accepts."""


def kind_of_balancer(spec: LoadBalancerSpec) -> str:
    """Network for tcp, application for http and https. Raises for what neither can do, before any call."""
    application = {listener.protocol != "tcp" for listener in spec.listeners}
    if len(application) > 1:
        reason = "listeners: a balancer of AWS takes either tcp or http and https: make one for each"
        raise Unsupported(reason, provider="aws", code="Unsupported")
    check_figures(spec)
    return APPLICATION if application.pop() else NETWORK


def check_figures(spec: LoadBalancerSpec) -> None:
    """Raise InvalidSpec, a line a fault, for figures that AWS refuses."""
    check = spec.health_check
    bounds = {
        "health_check.interval": (check.interval, *_INTERVAL, " s"),
        "health_check.healthy_after": (check.healthy_after, *_COUNT, ""),
        "health_check.unhealthy_after": (check.unhealthy_after, *_COUNT, ""),
        "drain": (spec.drain, 0, _LONGEST_DRAIN, " s"),
    }
    faults = [
        f"{name}: {value:g}{unit} is outside of what AWS takes, {least} to {most}{unit}"
        for name, (value, least, most, unit) in bounds.items()
        if not least <= value <= most
    ]
    if faults:
        raise InvalidSpec("\n".join(faults))


def route_parameters(spec: LoadBalancerSpec, listener: Listener, kind: str) -> dict[str, Any]:
    """The parameters of CreateTargetGroup for one listener, but for its name, network and tags."""
    protocol = "TCP" if kind == NETWORK else "HTTP"
    return {"Protocol": protocol, "Port": listener.target_port, **_check_parameters(spec.health_check, kind)}


def listener_parameters(listener: Listener) -> dict[str, Any]:
    """The parameters of CreateListener, but for its balancer, target group and tags."""
    certificate = {"Certificates": [{"CertificateArn": listener.certificate}]} if listener.certificate else {}
    return {"Port": listener.port, "Protocol": listener.protocol.upper(), **certificate}


def read_listeners(listeners: Iterable[Mapping[str, Any]], routes: Iterable[Mapping[str, Any]]) -> Iterator[Listener]:
    """Listeners in the order of their ports; those of a kind that we have not are left out."""
    ports = {route["TargetGroupArn"]: route.get("Port") for route in routes}
    for found in sorted(listeners, key=lambda listener: int(listener.get("Port") or 0)):
        protocol = _PROTOCOLS.get(found.get("Protocol", ""))
        target = ports.get(found["DefaultActions"][0].get("TargetGroupArn")) if found.get("DefaultActions") else None
        if protocol is not None and target is not None:
            certificate = next((item["CertificateArn"] for item in found.get("Certificates", ())), None)
            yield Listener(port=found["Port"], protocol=protocol, target_port=target, certificate=certificate)


def read_balancer(
    found: Mapping[str, Any], tags: Mapping[str, str], region: str, listeners: Iterable[Listener]
) -> LoadBalancer:
    """A balancer from its description and its tags."""
    state = found.get("State", {})
    return LoadBalancer(
        found["LoadBalancerArn"],
        "aws",
        region,
        state=LoadBalancerState.CREATING if MAKING in tags else _STATES.get(state.get("Code", ""), LoadBalancerState.UPDATING),
        name=tags.get(NAME, found["LoadBalancerName"]),
        address=found.get("DNSName"),
        listeners=tuple(listeners),
        labels=read_labels(tags),
        reason=state.get("Reason") or None,
        native=found,
    )


def tags_by_arn(descriptions: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Tags by what they are on."""
    return {found["ResourceArn"]: all_tags(found.get("Tags", ())) for found in descriptions}


def _check_parameters(check: HealthCheck, kind: str) -> dict[str, Any]:
    by_http = kind == APPLICATION or check.protocol == "http"
    interval = math.ceil(check.interval)
    figures = {
        "HealthCheckProtocol": "HTTP" if by_http else "TCP",
        "HealthCheckPort": str(check.port) if check.port is not None else "traffic-port",
        "HealthCheckIntervalSeconds": interval,
        "HealthCheckTimeoutSeconds": min(_LONGEST_TIMEOUT, interval - 1),
        "HealthyThresholdCount": check.healthy_after,
        "UnhealthyThresholdCount": check.unhealthy_after,
    }
    if not by_http:
        return figures
    matcher = "200-399" if check.protocol == "http" else _ANY_ANSWER
    return {**figures, "HealthCheckPath": check.path or "/", "Matcher": {"HttpCode": matcher}}
