"""What whoever reads the metrics gets beside the gateway's own: what the controller tells, if it does."""

from __future__ import annotations

import threading
import time

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from .stand_ins import Gateway, eventually, version

FIGURES = '# HELP cloudlayer_x X\n# TYPE cloudlayer_x gauge\ncloudlayer_x{machine="m-1"} 5.0\n'


@pytest.fixture
def gateway(fresh_gateway: Gateway) -> Gateway:
    fresh_gateway.show(version())
    return fresh_gateway


def read(gateway: Gateway) -> dict[str, list[tuple[dict[str, str], float]]]:
    text = requests.get(f"{gateway.url}/metrics", timeout=10).text
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for sample in (sample for family in families for sample in family.samples):
        found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_the_controllers_figures_stand_beside_the_gateways_own(gateway: Gateway) -> None:
    gateway.controller.figures = FIGURES
    found = read(gateway)
    assert found["cloudlayer_x"] == [({"machine": "m-1"}, 5.0)]
    assert found["cloudlayer_gateway_controller_up"] == [({}, 1.0)]
    assert "cloudlayer_gateway_replicas" in found


def test_the_controller_is_asked_once_for_each_reading_and_never_without(gateway: Gateway) -> None:
    before = len(gateway.controller.loads())
    eventually(lambda: len(gateway.controller.loads()) > before)
    assert gateway.controller.asked == 0
    read(gateway)
    read(gateway)
    assert gateway.controller.asked == 2


def test_a_controller_that_says_nothing_costs_the_reader_some_seconds_and_the_calls_nothing(gateway: Gateway) -> None:
    gateway.controller.figures = None
    found: list[dict[str, list[tuple[dict[str, str], float]]]] = []
    reader = threading.Thread(target=lambda: found.append(read(gateway)))
    reader.start()
    eventually(lambda: gateway.controller.asked)
    started = time.monotonic()
    assert requests.get(f"{gateway.url}/healthz", timeout=5).status_code == 200
    assert time.monotonic() - started < 2
    reader.join(10)
    assert found[0]["cloudlayer_gateway_controller_up"] == [({}, 0.0)]
    assert "cloudlayer_gateway_replicas" in found[0]


def test_a_controller_that_goes_is_waited_for_no_longer(gateway: Gateway) -> None:
    gateway.controller.figures = None
    found: list[float] = []

    def reading() -> None:
        started = time.monotonic()
        read(gateway)
        found.append(time.monotonic() - started)

    reader = threading.Thread(target=reading)
    reader.start()
    eventually(lambda: gateway.controller.asked)
    gateway.controller.stop()
    reader.join(10)
    assert found[0] < 3.5
    assert read(gateway)["cloudlayer_gateway_controller_up"] == [({}, 0.0)]
