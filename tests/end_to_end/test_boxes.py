"""Fleets on machines that are only an address and an SSH port."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudlayer.testing.evidence import record_promise
from tests.conformance.ssh.boxes import inventory

from .deployment import Deployment

pytestmark = [pytest.mark.hosts, pytest.mark.docker, pytest.mark.timeout(600)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "sentiment"
FUNCTIONS = 10
CODE = "def apply(input):\n    return input * 2\n"
SCAN = """\
import selectors, socket, sys
found, waiting = [], selectors.DefaultSelector()
def look(least):
    while len(waiting.get_map()) > least:
        for key, _ in waiting.select(2):
            if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.append(key.data)
            waiting.unregister(key.fileobj); key.fileobj.close()
for port in range(1, 65536):
    one = socket.socket(); one.setblocking(False)
    one.connect_ex((sys.argv[1], port)); waiting.register(one, selectors.EVENT_WRITE, port); look(200)
look(0)
print(*sorted(found))
"""
LEFT = {
    "containers": "docker ps -aq --filter label=cloudlayer-owner",
    "networks": "docker network ls -q --filter label=cloudlayer-owner",
    "volumes": "docker volume ls -q --filter label=cloudlayer-owner",
    "images": "docker image ls -q --filter label=cloudlayer-function",
    "sockets": "find /run/cloudlayer 2>/dev/null || true",
    "claim": "cat /var/lib/cloudlayer/claim.json 2>/dev/null || true",
    "rules": "{ iptables -t raw -S; iptables -S; } | grep cld || true",
    "bridges": "ls /sys/class/net | grep '^cld' || true",
}


@pytest.fixture
def boxes(hosts: Any) -> list[Any]:
    """Three real hosts."""
    found: list[Any] = hosts(3)
    return found


@pytest.fixture
def fleet(deployment: Deployment, boxes: list[Any]) -> Deployment:
    """A deployment with an inventory of the hosts beside its manifests."""
    inventory(deployment.folder / "boxes.toml", boxes)
    deployment.environment["CLOUDLAYER_SSH_STATE"] = str(deployment.folder / "s")
    deployment.environment["CLOUDLAYER_BASE_IMAGE"] = "cloudlayer/base:local"
    return deployment


def sentiment(deployment: Deployment) -> Path:
    """The example's own manifest, on the machines of the inventory and in containers."""
    text = (EXAMPLE / "fleet.toml").read_text().replace('source = "', f'source = "{EXAMPLE}/')
    text = text.replace('providers = ["local"]', 'providers = ["ssh:boxes.toml"]')
    path = deployment.folder / "sentiment.toml"
    path.write_text(text.replace("[[function]]", '[[function]]\nengine = "docker"'))
    return path


def ten(deployment: Deployment) -> Path:
    """Ten functions, of which no machine has room for more than four."""
    (deployment.folder / "source").mkdir()
    (deployment.folder / "source" / "function.py").write_text(CODE)
    tables = [
        f'[[function]]\nname = "test/F{number}"\nversion = "1.0.0"\nsource = "source"\nengine = "docker"\n'
        "scale = { min = 1 }\n"
        'resources = { cpu = 0.45, memory = "64MiB", disk = "64MiB" }'
        for number in range(FUNCTIONS)
    ]
    path = deployment.folder / "ten.toml"
    path.write_text("\n".join(['[fleet]\nname = "ten"\nproviders = ["ssh:boxes.toml"]', *tables]))
    return path


def containers(box: Any) -> set[str]:
    return set(box.ssh("docker ps --no-trunc -q --filter label=cloudlayer-replica").split())


def left(box: Any) -> dict[str, str]:
    """What of ours is on a host."""
    return {what: found for what, command in LEFT.items() if (found := box.ssh(command).strip())}


def test_the_talks_example_is_answered_from_containers_of_another_machine(
    fleet: Deployment, boxes: list[Any], request: pytest.FixtureRequest
) -> None:
    record_promise(request.node, "ssh", "real service", ["engine:docker"])
    fleet.up(sentiment(fleet))
    answer = fleet.call("nlp/SentimentAnalysis/1.0.4", {"document": "I really like Algorithmia!"})
    assert answer["sentiment"] == 0.474
    assert len(fleet.call("nlp/Sentences", "I love it. I hate that!")["sentences"]) == 2
    running = set.union(*map(containers, boxes))
    listed = {one["container"] for one in fleet.replicas()}
    assert len(listed) == 2
    assert all(any(one.startswith(container) for one in running) for container in listed)
    fleet.down()
    assert {box.name: left(box) for box in boxes} == {box.name: {} for box in boxes}
    fleet.assert_nothing_is_left()


def test_ten_functions_run_on_three_machines_with_no_port_open_but_ssh(fleet: Deployment, boxes: list[Any]) -> None:
    fleet.up(ten(fleet))
    assert [fleet.call(f"test/F{number}", number) for number in range(FUNCTIONS)] == [2 * number for number in range(FUNCTIONS)]
    assert sum(len(containers(box)) for box in boxes) == FUNCTIONS
    assert all(containers(box) for box in boxes)
    for scanned, box in zip(boxes, [*boxes[1:], boxes[0]], strict=True):
        box.ssh(f"cat >/tmp/scan.py <<'END'\n{SCAN}END\n")
        assert box.ssh(f"python3 /tmp/scan.py {scanned.address}").split() == [str(scanned.port)]
    machines = {one["machine"] for one in fleet.replicas()}
    assert len(machines) == 3
    said = {fleet.run("ssh", machine, "--", "hostname").stdout.strip() for machine in machines}
    assert said == {box.name for box in boxes}
    told = fleet.document("ssh", min(machines))
    assert "PRIVATE" not in json.dumps(told)
    assert told["access"]["host_keys"] == [boxes[0].host_key]
    fleet.down()
    assert {box.name: left(box) for box in boxes} == {box.name: {} for box in boxes}


def test_a_machine_that_one_home_has_claimed_is_not_anothers(
    deploy: Callable[..., Deployment], fleet: Deployment, boxes: list[Any]
) -> None:
    fleet.up(ten(fleet))
    other = deploy()
    inventory(other.folder / "boxes.toml", boxes)
    other.environment["CLOUDLAYER_SSH_STATE"] = str(other.folder / "s")
    offers = other.document("offers", "--provider", f"ssh:{other.folder}/boxes.toml")
    assert {offer["available"] for offer in offers} == {0}


def test_a_changed_host_key_is_refused_with_what_to_do_about_it(fleet: Deployment, boxes: list[Any], tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    inventory(fleet.folder / "boxes.toml", boxes, host_key=other)
    for command in (["doctor", f"ssh:{fleet.folder}/boxes.toml"], ["up", str(ten(fleet)), "--yes", "--port", str(fleet.port)]):
        refused = fleet.run(*command, check=False)
        said = refused.stdout + refused.stderr
        assert refused.returncode != 0
        assert "another host key than the one that is pinned" in said
        assert "before you pin it" in said
    assert {box.name: left(box) for box in boxes} == {box.name: {} for box in boxes}
