"""The life of a share, on the simulated cloud: none of the others that are at hand has any, which their checks say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cloudlayer.interfaces import Deadline
from cloudlayer.providers.simulated import World
from tests.infra import engine
from tests.infra.clouds.base import Reached
from tests.infra.conftest import Declared

pytestmark = pytest.mark.pulumi

PROGRAM = 'files = share("files"{more})\npulumi.export("mount", files.mount_command)'


class Simulated(Reached):
    """A simulated cloud whose world is a file."""

    provider: ClassVar[str] = "simulated:sim-east"

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.options = {"file": str(file), "clock": "real", "volume_seconds": 0.1}
        self._world = World(**self.options)

    @property
    def defaults(self) -> Mapping[str, Mapping[str, Any]]:
        return {"share": {"size": "1GiB"}}

    def shares(self) -> int:
        """How many there are by the cloud's own account."""
        return self._world.holdings(self.labels).get("share", 0)

    def delete(self, id: str) -> None:
        """Delete one, as somebody else would."""
        self._world.connect("sim-east").storage.delete_share(id, deadline=Deadline.after(30))

    def holdings(self) -> dict[str, int]:
        """All that is there."""
        return dict(self._world.holdings(self.labels))


@pytest.fixture
def simulated(tmp_path: Path) -> Simulated:
    return Simulated(tmp_path / "world.json")


def test_from_the_preview_to_the_end(tmp_path: Path, simulated: Simulated) -> None:
    declared = Declared(tmp_path / "stack", simulated)
    foreseen = declared.preview(PROGRAM.format(more=""))
    assert foreseen.ok, foreseen.failures
    assert foreseen.outputs == {"mount": engine.UNKNOWN}
    assert simulated.shares() == 0

    made = declared.up(PROGRAM.format(more=""))
    assert made.ok, made.failures
    assert simulated.shares() == 1
    assert "mount -t nfs" in made.outputs["mount"]
    assert declared.up(PROGRAM.format(more=", size=2 ** 30")).changes == []

    first = declared.id("files")
    replaced = declared.up(PROGRAM.format(more=', size="2GiB"'))
    assert [op for op, name in replaced.changes if name == "files"] == ["delete-replaced", "replace", "create-replacement"]
    assert simulated.shares() == 1
    assert declared.id("files") != first

    simulated.delete(declared.id("files"))
    anew = declared.up(PROGRAM.format(more=', size="2GiB"'), refresh=True)
    assert anew.ok, anew.failures
    assert simulated.shares() == 1

    assert declared.stack.destroy().ok
    assert simulated.holdings() == {}
