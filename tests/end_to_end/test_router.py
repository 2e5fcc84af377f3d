"""Calls between functions of one machine never leave it: counted at the gateway, and on the machine's wire."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conformance.ssh.boxes import inventory

from .deployment import Deployment, until

pytestmark = [pytest.mark.hosts, pytest.mark.docker]

ECHO = "def apply(input):\n    return input\n"
OUTER = """\
import time
import cloudlayer_client

def apply(input):
    echo, text, seconds = cloudlayer_client.client().algo("test/Echo"), "x" * input["size"], []
    for _ in range(input["calls"]):
        began = time.perf_counter()
        assert echo.pipe(text).result == text
        seconds.append(time.perf_counter() - began)
    return seconds
"""
CALLS = 40
SIZE = 1_000_000


@pytest.fixture
def fleet(deployment: Deployment, hosts: Any) -> Iterator[Deployment]:
    """A deployment with an inventory of one host."""
    inventory(deployment.folder / "boxes.toml", hosts(1))
    deployment.environment["CLOUDLAYER_SSH_STATE"] = str(deployment.folder / "s")
    deployment.environment["CLOUDLAYER_BASE_IMAGE"] = "cloudlayer/base:local"
    yield deployment
    if deployment.ups:
        deployment.down()


def manifest(folder: Path, *, router: bool) -> Path:
    """Two functions, of which one calls the other."""
    for name, code in (("echo", ECHO), ("outer", OUTER)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "function.py").write_text(code)
    common = 'version = "1.0.0"\nengine = "docker"\nresources = { cpu = 0.3, memory = "96MiB", disk = "64MiB" }'
    path = folder / "fleet.toml"
    path.write_text(
        f'[fleet]\nname = "near"\nproviders = ["ssh:boxes.toml"]\nrouter = {str(router).lower()}\n'
        f'[[function]]\nname = "test/Echo"\nsource = "echo"\nscale = {{ min = 1, max = 1, concurrency = 4 }}\n{common}\n'
        f'[[function]]\nname = "test/Outer"\nsource = "outer"\nscale = {{ min = 1, max = 1, concurrency = 4 }}\n'
        f'calls = ["test/Echo"]\n{common}\n'
    )
    return path


def sent(box: Any) -> int:
    """Bytes through the host's only wire, both ways."""
    text = box.ssh("cat /sys/class/net/eth0/statistics/rx_bytes /sys/class/net/eth0/statistics/tx_bytes")
    return sum(map(int, text.split()))


def metric(fleet: Deployment, name: str) -> int:
    lines = requests.get(f"{fleet.url}/metrics", timeout=5).text.splitlines()
    return int(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)))


def arrived(fleet: Deployment) -> int:
    """Calls that ended and came by the gateway itself."""
    return metric(fleet, "cloudlayer_gateway_calls_total") - metric(fleet, "cloudlayer_gateway_routed_total")


def nested(fleet: Deployment, calls: int, size: int) -> list[float]:
    seconds: list[float] = fleet.call("test/Outer", {"calls": calls, "size": size})
    return seconds


def measured(fleet: Deployment, box: Any) -> tuple[int, int, list[float]]:
    """Calls at the gateway and bytes on the wire for CALLS nested calls of 1 MB, and seconds of small ones."""
    nested(fleet, 3, 10)
    time.sleep(0.3)
    calls, size = arrived(fleet), sent(box)
    nested(fleet, CALLS, SIZE)
    time.sleep(0.3)
    return arrived(fleet) - calls, sent(box) - size, nested(fleet, 200, 10)


def test_nested_calls_stay_on_their_machine_with_the_router_and_leave_it_without(fleet: Deployment, hosts: Any) -> None:
    box = hosts(1)[0]
    fleet.up(manifest(fleet.folder, router=True))
    with_router = measured(fleet, box)
    assert box.ssh("docker ps -q --filter label=cloudlayer-router").strip()
    fleet.down()
    fleet.up(manifest(fleet.folder, router=False))
    without = measured(fleet, box)
    for name, (calls, size, seconds) in (("with", with_router), ("without", without)):
        print(f"{name} router: {calls} calls at the gateway, {size} bytes, median {statistics.median(seconds) * 1e3:.2f} ms")
    assert with_router[0] == 1, "the outer call alone"
    assert with_router[1] < 200_000
    assert without[0] == 1 + CALLS
    assert without[1] > 4 * CALLS * SIZE
    assert statistics.median(with_router[2]) < statistics.median(without[2])


def test_nested_calls_go_on_when_router_gateway_or_connection_begin_anew(fleet: Deployment, hosts: Any) -> None:
    box = hosts(1)[0]
    fleet.up(manifest(fleet.folder, router=True))
    assert len(nested(fleet, 5, 10)) == 5
    box.ssh("kill -9 $(docker inspect -f '{{.State.Pid}}' $(docker ps -q --filter label=cloudlayer-router))")
    until(lambda: works(fleet), 15, "calls are answered again after the router was killed")
    fleet.part("cloudlayer.gateway").kill()
    until(lambda: works(fleet), 20, "calls are answered again after the gateway was killed")
    hosts.fail(box.name, "partition")
    time.sleep(1.0)
    hosts.heal(box.name)
    until(lambda: works(fleet), 20, "calls are answered again after the connection was cut")


def works(fleet: Deployment) -> bool:
    try:
        before = metric(fleet, "cloudlayer_gateway_routed_total")
        nested(fleet, 5, 10)
        time.sleep(0.2)
        return metric(fleet, "cloudlayer_gateway_routed_total") == before + 5
    except Exception:
        return False
