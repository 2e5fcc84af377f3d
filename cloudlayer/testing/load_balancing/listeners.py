"""What a balancer promises of its listeners, its address, and the capabilities that its spec asks for."""

from __future__ import annotations

from typing import Any

import pytest

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import LoadBalancing, Provider
from cloudlayer.resources import LoadBalancerSpec
from cloudlayer.testing.base import changed
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.load_balancing.base import BalancerPromises
from cloudlayer.testing.skips import lacks, need, skip


class ListenerPromises(BalancerPromises):
    """What was asked for is listened to; what cannot be is refused with the declared reason."""

    @pytest.fixture
    def certificate(self) -> str | None:
        """What an HTTPS listener names as its certificate; None where there is none to test with."""
        return None

    @proves("load_balancing", "balancer_tcp")
    def test_an_active_balancer_has_an_address_and_its_listeners(
        self, provider: Provider, balancers: LoadBalancing, spec: LoadBalancerSpec, token: str
    ) -> None:
        """As they were asked for, each with its target port."""
        wanted = self.whole(provider, spec)
        made = self.made(balancers, wanted, token)
        assert made.address
        assert sorted(made.listeners, key=_port) == sorted(wanted.listeners, key=_port)
        assert (balancers.get(made.id).listeners, balancers.get(made.id).address) == (made.listeners, made.address)

    @proves("{flag}")
    @pytest.mark.parametrize(
        "flag", ["balancer_tcp", "balancer_http", "balancer_https", "balancer_http_check", "balancer_public"]
    )
    def test_a_balancer_that_asks_for_what_is_there_is_made(
        self,
        provider: Provider,
        balancers: LoadBalancing,
        spec: LoadBalancerSpec,
        token: str,
        flag: str,
        certificate: str | None,
    ) -> None:
        """With the protocol that was asked for, and an address."""
        need(provider, flag)
        if flag == "balancer_https" and certificate is None:
            skip("fixture", "certificate", "these tests give no certificate")
        wanted = changed(spec, **asks(spec, flag, certificate))
        made = self.made(balancers, wanted, token)
        assert made.listeners == wanted.listeners
        assert made.address

    @pytest.mark.parametrize(
        "flag",
        [
            *("balancer_tcp", "balancer_http", "balancer_https", "balancer_http_check", "balancer_public"),
            *("balancer_instances", "balancer_addresses", "balancer_groups"),
        ],
    )
    def test_a_balancer_that_asks_for_what_is_missing_is_unsupported(
        self, provider: Provider, balancers: LoadBalancing, spec: LoadBalancerSpec, token: str, flag: str
    ) -> None:
        """With the declared reason, and before anything is made."""
        reason = lacks(provider, flag)
        with pytest.raises(Unsupported) as caught:
            balancers.create(changed(spec, **asks(spec, flag, "some-certificate")), token=token)
        assert reason in caught.value.reason
        assert balancers.list(spec.labels) == []


def asks(spec: LoadBalancerSpec, flag: str, certificate: str | None) -> dict[str, Any]:
    """What a balancer's spec asks for that needs the capability."""
    match flag.removeprefix("balancer_"):
        case "public":
            return {"public": True}
        case "http_check":
            return {"health_check": {"protocol": "http", "path": "/healthy"}}
        case "instances" | "addresses" | "groups" as kind:
            field = {"instances": "instance", "addresses": "address", "groups": "group"}[kind]
            return {"targets": [{field: "10.0.0.251"}]}
        case "https":
            return _listener(spec, "https", certificate=certificate)
        case protocol:
            return _listener(spec, protocol)


def _listener(spec: LoadBalancerSpec, protocol: str, **fields: Any) -> dict[str, Any]:
    first = spec.listeners[0].model_dump()
    return {"listeners": [{**first, "protocol": protocol, **fields}]}


def _port(listener: Any) -> int:
    return int(listener.port)
