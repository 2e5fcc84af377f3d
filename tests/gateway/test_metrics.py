"""What whoever reads the metrics gets beside the gateway's own: what the controller tells, if it does."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from cloudlayer.fleet.routes import Figures
from cloudlayer.gateway.link import FIGURES_SECONDS

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


def test_the_controller_is_asked_when_somebody_reads_and_never_without(gateway: Gateway) -> None:
    before = len(gateway.controller.loads())
    eventually(lambda: len(gateway.controller.loads()) > before)
    assert gateway.controller.asked == 0
    read(gateway)
    assert gateway.controller.asked == 1
    eventually(lambda: read(gateway) and gateway.controller.asked == 2)


def test_readers_one_after_another_cost_the_line_one_question_a_second(gateway: Gateway) -> None:
    gateway.controller.figures = FIGURES
    started = time.monotonic()
    for _ in range(20):
        assert read(gateway)["cloudlayer_x"] == [({"machine": "m-1"}, 5.0)]
    assert gateway.controller.asked <= 1 + (time.monotonic() - started) / FIGURES_SECONDS


def test_readers_that_wait_together_wait_for_one_answer(gateway: Gateway) -> None:
    gateway.controller.figures = None
    with ThreadPoolExecutor(5) as readers:
        reading = [readers.submit(read, gateway) for _ in range(5)]
        eventually(lambda: gateway.controller.asked)
        # One that hangs up leaves the others waiting.
        with pytest.raises(requests.Timeout):
            requests.get(f"{gateway.url}/metrics", timeout=FIGURES_SECONDS + 0.2)
        assert gateway.controller.asked == 1
        assert not any(each.done() for each in reading)
        gateway.controller.send(Figures(1, FIGURES))
        assert [each.result(10)["cloudlayer_x"] for each in reading] == [[({"machine": "m-1"}, 5.0)]] * 5


def test_figures_that_the_controller_could_not_get_are_no_figures(gateway: Gateway) -> None:
    gateway.controller.figures = None
    with ThreadPoolExecutor(1) as readers:
        reading = readers.submit(read, gateway)
        eventually(lambda: gateway.controller.asked)
        gateway.controller.send(Figures(1, None))
        assert reading.result(10)["cloudlayer_gateway_controller_up"] == [({}, 0.0)]


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
