"""`cloudlayer sweep --stack`: what a killed run left at a cloud, found by the stack's label and deleted; and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pulumi")

from cloudlayer.errors import InvalidSpec
from cloudlayer.fleet import stacks
from tests.infra.clouds.base import KINDS, Cloud
from tests.infra.conftest import DYING, Declare, Declared
from tests.infra.exports import exported

pytestmark = pytest.mark.pulumi

COMMAND = str(Path(sys.executable).with_name("cloudlayer"))
NOTHING: dict[str, list[str]] = {kind: [] for kind in KINDS}
PROGRAM = 'worker = instance("worker")\ndata = volume("data", zone=worker.zone)\n'


class Sweeper:
    """The command, in a home of its own, with the cloud as a profile of its configuration file."""

    def __init__(self, folder: Path, cloud: Cloud) -> None:
        folder.mkdir()
        name, _, region = cloud.provider.partition(":")
        place = {"region": region} if region else {}
        lines = [f"{key} = {json.dumps(value)}" for key, value in {"provider": name, **place, **cloud.options}.items()]
        (folder / "config.toml").write_text("\n".join(["[providers.swept]", *lines]))
        (folder / "config.toml").chmod(0o600)
        own = {"CLOUDLAYER_HOME": str(folder / "home"), "CLOUDLAYER_CONFIG": str(folder / "config.toml")}
        self._environment = {**os.environ, **cloud.environment, **own}

    def run(self, file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`cloudlayer sweep --stack FILE`."""
        command = [COMMAND, "sweep", "--stack", str(file), *arguments]
        return subprocess.run(
            command,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def finds(self, file: Path) -> list[tuple[str, str]]:
        """The kinds and ids of what it would delete; it deletes nothing."""
        done = self.run(file, "--provider", "swept", "--json")
        found = json.loads(done.stdout)
        assert done.returncode == (3 if found else 0), done.stderr
        return sorted((item["thing"], item["subject"]) for item in found)


def killed_after_the_volume_is_made(declared: Declared) -> None:
    """Run the program, and kill the plug-in once the volume is there and nobody knows."""
    declared.write(PROGRAM)
    declared.death.write_text("storage.create after")
    assert not declared.stack.up().ok
    assert "data" not in declared.stack.resources


def test_what_a_killed_run_left_is_found_shown_and_deleted_and_nothing_else(
    declare: Declare, cloud: Cloud, tmp_path: Path
) -> None:
    neighbour = declare("prod")
    assert neighbour.up('volume("theirs")').ok
    declared, sweeper = declare("dev", plugin=DYING), Sweeper(tmp_path / "sweeper", cloud)
    killed_after_the_volume_is_made(declared)
    (left,) = set(cloud.ids("volume")) - {neighbour.id("theirs")}

    file = exported(declared.stack, tmp_path / "stack.json")
    assert sweeper.finds(file) == [("volume", left)]
    assert left in cloud.ids("volume")

    done = sweeper.run(file, "--provider", "swept", "--yes")
    assert done.returncode == 0, done.stderr
    assert "swept 1 thing" in done.stderr
    assert cloud.all_ids() == {
        **NOTHING,
        "instance": [declared.id("worker")],
        "volume": [neighbour.id("theirs")],
    }
    assert sweeper.finds(file) == []

    lost = exported(declared.stack, tmp_path / "lost.json", without="worker")
    assert sweeper.finds(lost) == [("instance", declared.id("worker"))]
    assert sweeper.run(lost, "--provider", "swept", "--yes").returncode == 0
    assert cloud.all_ids() == {**NOTHING, "volume": [neighbour.id("theirs")]}
    assert neighbour.stack.destroy().ok
    assert cloud.pieces() == {}


def test_it_is_to_be_told_where_to_look(here: Cloud, tmp_path: Path) -> None:
    done = Sweeper(tmp_path / "sweeper", here).run(tmp_path / "stack.json")

    assert done.returncode == 2
    assert "--stack: say which providers to look at, by --provider" in done.stderr


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "is no stack as `pulumi stack export` writes it"),
        ("no JSON", "is no stack as `pulumi stack export` writes it"),
        ('{"version": 3, "deployment": {}}', "nothing of ours is in it"),
    ],
)
def test_a_file_that_is_no_stack_of_ours_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    file.write_text(text)

    with pytest.raises(InvalidSpec, match=reason):
        stacks.read(file)


def test_operations_that_were_broken_off_are_counted(tmp_path: Path) -> None:
    owner = {"urn": "o", "type": "pulumi-python:dynamic/cloudlayer:Owner", "id": "1", "outputs": {"owner": "1"}}
    deployment = {"resources": [owner], "pending_operations": [{"resource": {"urn": "v"}, "type": "creating"}]}
    file = tmp_path / "stack.json"
    file.write_text(json.dumps({"version": 3, "deployment": deployment}))

    assert stacks.read(file) == stacks.StackState("1", frozenset({"1"}), 1)
