"""The programs of examples/pulumi, as they are, through the test engine."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pulumi")

from cloudlayer.labels import OWNER
from cloudlayer.providers.simulated import World
from tests.end_to_end.deployment import Deployment
from tests.infra.engine import Result, Stack

pytestmark = pytest.mark.pulumi

EXAMPLES = Path(__file__).parents[2] / "examples" / "pulumi"
STUBS = Path(__file__).parent / "programs" / "stubs"
QUICK: dict[str, Any] = {"clock": "real", "boot_seconds": 0.1, "delete_seconds": 0.1, "balancer_seconds": 0.1}


class Rehearsal:
    """Two simulated clouds, as profiles of a configuration file, and the example's stack with a home in a short folder."""

    def __init__(self, folder: Path) -> None:
        self.deployment = Deployment()
        self.worlds = {name: World(folder / f"{name}.json", **QUICK) for name in ("one", "other")}
        profiles = [f'[providers.{name}]\nprovider = "simulated"\nfile = "{folder / name}.json"' for name in self.worlds]
        (folder / "config.toml").write_text("\n".join(profiles))
        self.deployment.environment["CLOUDLAYER_CONFIG"] = str(folder / "config.toml")
        self.stack = Stack(
            folder / "state",
            EXAMPLES / "gpu_fleet" / "__main__.py",
            project="gpu-fleet",
            config={"gpu-fleet:provider": "one", "gpu-fleet:port": str(self.deployment.port)},
            environment=self.deployment.environment,
            timeout=120,
        )

    def up(self) -> Result:
        """Up, and it goes through."""
        result = self.stack.up()
        assert result.ok, [failure.text for failure in result.failures]
        return result

    def count(self, name: str) -> tuple[int, int]:
        """The machines and the balancers of one of the clouds."""
        world = self.worlds[name]
        balancers = [one for one in world.balancers() if str(one.state) not in ("deleting", "deleted")]
        return len(world.instances(live=True)), len(balancers)


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    rehearsal = Rehearsal(tmp_path)
    yield rehearsal
    rehearsal.deployment.close()


@pytest.mark.timeout(300)
def test_one_word_changes_the_cloud(rehearsal: Rehearsal) -> None:
    foreseen = rehearsal.stack.preview()
    assert foreseen.ok
    assert (rehearsal.count("one"), rehearsal.count("other")) == ((0, 0), (0, 0))
    assert [message.text for message in foreseen.messages if message.text.startswith("about ")]

    made = rehearsal.up()
    assert (rehearsal.count("one"), rehearsal.count("other")) == ((1, 1), (0, 0))
    assert made.outputs["url"].startswith("http://")
    assert made.secret_outputs == {"api_key"}
    assert rehearsal.up().changes == []

    rehearsal.stack.config["gpu-fleet:provider"] = "other"
    rehearsal.up()
    assert (rehearsal.count("one"), rehearsal.count("other")) == ((0, 0), (1, 1))

    assert rehearsal.stack.destroy().ok
    assert (rehearsal.count("one"), rehearsal.count("other")) == ((0, 0), (0, 0))
    rehearsal.deployment.assert_nothing_is_left()


def test_where_nothing_can_be_asked_the_preview_says_so_and_goes_through(rehearsal: Rehearsal, tmp_path: Path) -> None:
    nobody = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), str(tmp_path / "none"))
    without = {name: "" for name in rehearsal.stack.environment if name.startswith("AWS_") and name.endswith(("KEY", "KEY_ID"))}
    rehearsal.stack.environment |= {**nobody, **without, "AWS_SESSION_TOKEN": "", "AWS_EC2_METADATA_DISABLED": "true"}
    rehearsal.stack.config["gpu-fleet:provider"] = "aws:us-east-1"

    result = rehearsal.stack.preview()

    assert result.ok, [failure.text for failure in result.failures]
    (told,) = [message.text for message in result.messages if message.urn.endswith("::gpu-fleet") and "aws:" in message.text]
    assert "no place for vision/Faces/1.0.0" in told or "not known" in told


@pytest.mark.openstack
def test_a_machine_of_ours_stands_in_a_network_of_the_clouds_own_package(tmp_path: Path) -> None:
    """A stand-in for pulumi_openstack, whose plug-in is in no package registry, gives the id of a network that is there."""
    import openstack

    cloud = openstack.connect(app_name="cloudlayer-tests")
    network = next(one for one in cloud.network.networks() if not one.is_router_external)
    stack = _mixed(tmp_path, cloud, network.id)
    result = stack.up()
    assert result.ok, [failure.text for failure in result.failures]
    try:
        owner = stack.resources["cloudlayer-owner"].outputs["owner"]
        (server,) = [one for one in cloud.compute.servers() if one.metadata.get(OWNER) == owner]
        assert list(server.addresses) == [network.name]
        assert result.outputs["address"] == server.addresses[network.name][0]["addr"]
        (volume,) = [one for one in cloud.block_storage.volumes() if one.metadata.get(OWNER) == owner]
        assert [one["server_id"] for one in volume.attachments] == [server.id]
    finally:
        assert stack.destroy().ok
    assert not [one for one in cloud.compute.servers() if one.metadata.get(OWNER) == owner]


def _mixed(folder: Path, cloud: Any, network: str) -> Stack:
    shutil.copytree(EXAMPLES / "mixed", folder / "program")
    flavor = min(cloud.compute.flavors(), key=lambda one: (one.ram, one.disk))
    image = next(one for one in cloud.image.images() if one.status == "active")
    return Stack(
        folder / "state",
        folder / "program" / "__main__.py",
        project="mixed",
        config={"mixed:image": image.id, "mixed:machine_type": flavor.name},
        environment={**os.environ, "PYTHONPATH": str(STUBS), "STAND_IN_NETWORK": network},
        timeout=240,
    )
