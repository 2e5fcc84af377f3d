"""`GpuService`: a fleet behind a balancer, as a program declares them; without an engine, by the SDK's own mocks."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("pulumi")

import pulumi
from pulumi.runtime import Mocks, mocks, set_mocks

from cloudlayer import infra
from cloudlayer.infra.services import own_address

OUTPUTS: dict[str, dict[str, Any]] = {
    "Owner": {"owner": "0e3b0c0e-0000-4000-8000-000000000000"},
    "Fleet": {"api_key": "the-key", "functions": ["nlp/Echo/1.0.0"], "url": "http://0.0.0.0:8080"},
    "LoadBalancer": {"address": "203.0.113.5"},
}
MANIFEST = {"fleet": {"name": "seefood", "providers": ["aws:us-east-1"]}}


class Remembering(Mocks):
    """Answers for each resource as a provider would, and keeps what was asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: Any) -> tuple[str, dict[str, Any]]:
        kind = args.typ.rpartition(":")[2]
        self.asked[kind] = dict(args.inputs)
        return f"{args.name}-id", {**args.inputs, **OUTPUTS.get(kind, {})}

    def call(self, args: Any) -> dict[str, Any]:
        return {}


@pytest.fixture
def asked() -> Iterator[dict[str, dict[str, Any]]]:
    """The inputs of each resource, by its type. In a loop of its own: the SDK takes the thread's, which others have ended."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    remembering = Remembering()
    set_mocks(remembering, preview=False)
    yield remembering.asked
    asyncio.set_event_loop(None)
    loop.close()


def told(output: Any) -> Any:
    """What an output is, once it is known."""
    found: list[Any] = []

    @mocks.test
    def wait() -> Any:
        return output.apply(found.append)

    wait()
    return found[0]


def test_the_balancer_stands_before_the_gateway(asked: dict[str, dict[str, Any]]) -> None:
    service = infra.GpuService("s", provider="aws:us-east-1", manifest=MANIFEST, address="10.0.0.7", port=9000, listen=8443)

    assert told(service.url) == "http://203.0.113.5:8443"
    balancer, fleet = asked["LoadBalancer"], asked["Fleet"]
    assert balancer["targets"] == [{"address": "10.0.0.7"}]
    assert balancer["listeners"] == [{"port": 8443, "protocol": "http", "target_port": 9000}]
    assert balancer["health_check"] == {"protocol": "http", "path": "/healthz"}
    assert (fleet["host"], fleet["port"]) == ("0.0.0.0", 9000)
    assert fleet["manifest"]["fleet"]["name"] == "seefood"


def test_networks_are_plain_ids_that_may_be_outputs(asked: dict[str, dict[str, Any]]) -> None:
    subnet = pulumi.Output.from_input("subnet-1")
    service = infra.GpuService("s", provider="aws:us-east-1", manifest=MANIFEST, overrides={"subnets": [subnet]})

    told(service.url)
    assert asked["LoadBalancer"]["overrides"] == {"subnets": ["subnet-1"]}


def test_without_an_address_it_is_this_hosts_own(asked: dict[str, dict[str, Any]]) -> None:
    service = infra.GpuService("s", provider="local", manifest=MANIFEST)

    told(service.url)
    assert asked["LoadBalancer"]["targets"] == [{"address": own_address()}]


def test_https_needs_a_certificate_and_is_in_the_url(asked: dict[str, dict[str, Any]]) -> None:
    service = infra.GpuService("s", provider="local", manifest=MANIFEST, protocol="https", certificate="arn:c", listen=443)

    assert told(service.url) == "https://203.0.113.5:443"
    assert asked["LoadBalancer"]["listeners"][0]["certificate"] == "arn:c"


def test_what_callers_need_comes_from_the_fleet(asked: dict[str, dict[str, Any]]) -> None:
    service = infra.GpuService("s", provider="local", manifest=MANIFEST, key="the-key")

    assert told(service.functions) == ["nlp/Echo/1.0.0"]
    assert told(service.api_key) == "the-key"
