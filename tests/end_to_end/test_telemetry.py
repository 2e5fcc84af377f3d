"""What a fleet tells of itself: the lines of one call, and what its replicas use."""

from __future__ import annotations

from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from .deployment import Deployment, manifest, until

OUTER = 'name = "log/Outer"\nversion = "1.0.0"\ncalls = ["log/Inner"]\nscale = { min = 1, max = 1 }'
INNER = 'name = "log/Inner"\nversion = "1.0.0"\nscale = { min = 1, max = 1, concurrency = 8 }'
CODE = """
import os
import cloudlayer_client
def apply(input):
    if isinstance(input, list):
        print("outer", input[0])
        os.system("echo program")
        return cloudlayer_client.client().algo("log/Inner").pipe(input[0]).result
    if input == "leave":
        os._exit(3)
    print("inner", input, end="")
"""


def samples(deployment: Deployment) -> list[tuple[str, dict[str, str], float]]:
    text = requests.get(f"{deployment.url}/metrics", timeout=10).text
    families = list(text_string_to_metric_families(text))
    return [(one.name, one.labels, one.value) for family in families for one in family.samples]


def call(deployment: Deployment, input: Any, name: str) -> None:
    headers = {"Authorization": deployment.key, "X-Request-Id": name}
    requests.post(f"{deployment.url}/v1/algo/log/Outer", json=input, headers=headers, timeout=20)


def test_a_fleet_tells_what_a_call_wrote_and_what_its_replicas_use(deployment: Deployment) -> None:
    deployment.up(manifest(deployment.folder, "telling", OUTER, INNER, code=CODE))
    for name in ("first", "second"):
        call(deployment, [name], name)
    wrote = deployment.document("logs", "--call", "second")
    assert sorted(line["line"] for line in wrote) == ["inner second", "outer second", "program"]
    assert {line["call"] for line in wrote} == {"second"}
    assert len({line["replica"] for line in wrote}) == 2
    plain = deployment.run("logs").stdout
    assert "inner first" in plain
    assert "\x1e" not in plain

    found, replicas = samples(deployment), {one["id"]: one for one in deployment.replicas()}
    for name in ("memory_bytes", "memory_limit_bytes", "cpu_limit_cores", "cpu_seconds_total"):
        told = {labels["replica"]: value for which, labels, value in found if which == f"cloudlayer_replica_{name}"}
        assert set(told) == set(replicas), name
        # A replica that is a copy of a warm process may have used less than a tick of the clock.
        assert all(value > 0 or (value == 0 and name == "cpu_seconds_total") for value in told.values()), name
    machine = next(iter(replicas.values()))["machine"]
    assert ("cloudlayer_machine_up", {"machine": machine}, 1.0) in found
    assert ("cloudlayer_gateway_controller_up", {}, 1.0) in found

    requests.post(f"{deployment.url}/v1/algo/log/Inner", json="leave", headers={"Authorization": deployment.key}, timeout=20)
    ended = ("cloudlayer_fleet_replica_ends_total", {"function": "log/Inner", "version": "1.0.0", "reason": "crashed"}, 1.0)
    until(lambda: ended in samples(deployment), 20, "the end is counted")
    until(lambda: gone(deployment, set(replicas)), 20, "the series of what ended are gone")


def gone(deployment: Deployment, before: set[str]) -> bool:
    """Whether the figures are of replicas that run alone, one of which was not there before."""
    told = {labels["replica"] for name, labels, _ in samples(deployment) if name == "cloudlayer_replica_memory_bytes"}
    return told == {one["id"] for one in deployment.replicas()} and bool(told - before) and len(told) == 2
