"""`GpuService`: a fleet behind the balancer of a cloud, so that callers have one address however often the fleet changes."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Final, Literal

import pulumi
from pulumi import Input, Output, ResourceOptions

from cloudlayer.infra.arguments import ListenerArgs
from cloudlayer.infra.balancers import LoadBalancer
from cloudlayer.infra.fleets import TIMEOUT, Fleet
from cloudlayer.infra.manifests import Written

_NOBODY: Final = ("192.0.2.1", 9)
"""An address that documentation alone uses: what is asked is which of our own would be used, and nothing is sent."""


class GpuService(pulumi.ComponentResource):
    """A `Fleet` on this host, and a `LoadBalancer` of `provider` before its gateway.

    The balancer listens on `listen` as `protocol` (https with a `certificate`) and sends calls to `address` (this host's own,
    without one) at `port`, where the gateway listens at `host`. Networks and security groups are ids in `overrides`, as
    `LoadBalancer` takes them, and may be outputs of resources of the cloud's own package.
    """

    url: Output[str]
    functions: Output[list[str]]
    api_key: Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        provider: Input[str],
        manifest: Input[Written],
        listen: Input[int] = 80,
        protocol: Literal["tcp", "http", "https"] = "http",
        certificate: Input[str] | None = None,
        address: Input[str] | None = None,
        host: Input[str] = "0.0.0.0",  # noqa: S104  (the balancer is another host)
        port: Input[int] = 8080,
        home: Input[str] | None = None,
        key: Input[str] | None = None,
        timeout: Input[str | float] = TIMEOUT,
        public: Input[bool] | None = None,
        labels: Input[Mapping[str, Input[str]]] | None = None,
        overrides: Input[Mapping[str, Any]] | None = None,
        provider_options: Input[Mapping[str, Any]] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("cloudlayer:index:GpuService", resource_name, None, opts)
        inside = ResourceOptions(parent=self)
        self.fleet = Fleet(
            resource_name, manifest=manifest, home=home, host=host, port=port, key=key, timeout=timeout, opts=inside
        )
        listener: ListenerArgs = {"port": listen, "protocol": protocol, "target_port": port}
        if certificate is not None:
            listener["certificate"] = certificate
        self.balancer = LoadBalancer(
            resource_name,
            provider=provider,
            provider_options=provider_options,
            listeners=[listener],
            targets=[{"address": address or own_address()}],
            health_check={"protocol": "http", "path": "/healthz"},
            public=public,
            labels=labels,
            overrides=overrides,
            opts=ResourceOptions(parent=self, depends_on=[self.fleet]),
        )
        scheme = "https" if protocol == "https" else "http"
        self.url = Output.all(self.balancer.address, listen).apply(lambda at: f"{scheme}://{_bracketed(at[0])}:{int(at[1])}")
        self.functions = self.fleet.functions
        self.api_key = self.fleet.api_key
        self.register_outputs({"url": self.url, "functions": self.functions, "api_key": self.api_key})


def own_address() -> str:
    """The address that this host has for others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_NOBODY)
        except OSError:
            return "127.0.0.1"  # no network at all: only what runs here can reach it
        return str(probe.getsockname()[0])


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
