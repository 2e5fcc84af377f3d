"""What a router's container is made from. No engine is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker
import pytest

from cloudlayer.interfaces import MachineContext, RouterSpec
from cloudlayer.runtime.docker.router import Routers
from cloudlayer.runtime.sources import router_snapshot


class Images:
    """Has every image; notes which source was asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def ensure(self, spec: Any, deadline: Any) -> Any:
        self.asked.append(spec)
        return type("Image", (), {"reference": "image:1"})


class Host:
    connection = 1

    def __init__(self) -> None:
        self.ran: list[list[str]] = []

    def run(self, command: list[str], *, root: bool = False) -> bytes:
        assert root
        self.ran.append(command)
        return b""


class Daemon:
    """Answers as an engine does where another form of the router runs already."""

    def __init__(self) -> None:
        self.client = docker.APIClient(base_url="unix:///nowhere", version="1.41")
        self.host = Host()
        self.calls: list[tuple[str, Any]] = []

    def check(self, doing: str) -> None:
        assert doing == "waiting for the router"

    def call(self, doing: str, method: Any, *arguments: Any, **options: Any) -> Any:
        self.calls.append((method.__name__, arguments or options))
        old = {"Id": "old", "Names": ["/cloudlayer-router-older"]}
        state = {"State": {"Running": True, "StartedAt": "2026-01-01T00:00:00.5Z"}}
        said = b"listening at /run\n" if len(self.calls) > 5 else b""
        return {"containers": [old], "inspect_container": state, "logs": said}.get(method.__name__)


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Daemon, Images, dict[str, Any]]:
    """What keeping a router, three times, did; and the form of its container."""
    daemon, images = Daemon(), Images()
    spec = RouterSpec("m1", "s3cret", Path("/run/cloudlayer/abc"), {"cloudlayer-owner": "me"})
    routers: Any = Routers(daemon, images, MachineContext("i-1", tmp_path / "f", tmp_path / "c"))  # type: ignore[arg-type]
    for _ in range(3):
        routers.keep(spec, None)
    daemon.client.close()
    return daemon, images, next(options for name, options in daemon.calls if name == "create_container")


def test_it_may_do_nothing_but_listen_and_call(kept: tuple[Daemon, Images, dict[str, Any]]) -> None:
    form = kept[2]
    limits = form["host_config"]
    assert form["user"] == "65532:65532"
    assert (limits["CapDrop"], limits["ReadonlyRootfs"], limits["SecurityOpt"]) == (["ALL"], True, ["no-new-privileges"])
    assert limits["RestartPolicy"]["Name"] == "always"
    assert limits["Memory"] == limits["MemorySwap"] > 0
    assert limits["PidsLimit"] > 0
    assert form["labels"]["cloudlayer-owner"] == "me"


def test_it_sees_the_folders_of_its_sockets_alone(kept: tuple[Daemon, Images, dict[str, Any]]) -> None:
    mounts = {mount["Source"]: mount["ReadOnly"] for mount in kept[2]["host_config"]["Mounts"]}
    folder = "/run/cloudlayer/abc"
    assert mounts == {f"{folder}/g": False, f"{folder}/u": True, f"{folder}/l": True, f"{folder}/j": False}


def test_its_token_is_in_its_environment_and_in_no_command(kept: tuple[Daemon, Images, dict[str, Any]]) -> None:
    daemon, _, form = kept
    assert form["environment"]["CLOUDLAYER_ROUTER_TOKEN"] == "s3cret"
    assert "s3cret" not in str((form["command"], form["labels"], form["name"], daemon.host.ran))


def test_it_is_looked_after_once_a_connection_and_one_of_another_form_ends_its_calls(
    kept: tuple[Daemon, Images, dict[str, Any]],
) -> None:
    looks = ("inspect_container", "logs")
    names = [name for name, _ in kept[0].calls]
    assert [name for name in names if name not in looks] == [
        "create_container",
        "start",
        "containers",
        "stop",
        "remove_container",
    ]
    assert names.index("containers") > names.index("logs"), "the other one ends before this one serves"
    assert len(kept[1].asked) == 1


def test_its_source_holds_router_and_worker_and_nothing_else(tmp_path: Path) -> None:
    made = router_snapshot(tmp_path)
    assert [path.name for path in made.iterdir()] == ["cloudlayer_machine"]
    assert {path.name for path in (made / "cloudlayer_machine").iterdir()} == {"router", "worker"}
    assert router_snapshot(tmp_path) == made
