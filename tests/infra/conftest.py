"""Stacks of our resources on each cloud: this host, the stand-in for AWS, and the real services of OpenStack."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pulumi")

from tests.infra.clouds.base import Cloud, Reached
from tests.infra.engine import Result, Stack

PROGRAMS = Path(__file__).parent / "programs"
DYING = (sys.executable, "-u", str(PROGRAMS / "dying.py"))
HEAD = "import pulumi\nfrom things import *\n"


class Declared:
    """A stack whose program a test writes, in the words of programs/things.py."""

    def __init__(self, folder: Path, cloud: Reached, name: str = "dev", **options: Any) -> None:
        self.cloud, self.program, self.death = cloud, folder / "program" / "main.py", folder / "death"
        self.program.parent.mkdir(parents=True)
        where = {"provider": cloud.provider, "options": cloud.options, "labels": cloud.labels}
        more = {"defaults": cloud.defaults, "other_type": cloud.other_type}
        environment = {**cloud.environment, "PYTHONPATH": str(PROGRAMS), "DEATH": str(self.death)}
        self.stack = Stack(
            folder / "state",
            self.program,
            project="p",
            name=name,
            config={"p:cloud": json.dumps({**where, **more})},
            environment=environment,
            timeout=cloud.timeout,
            **options,
        )

    def write(self, text: str) -> None:
        """Make this the program."""
        self.program.write_text(HEAD + text)

    def preview(self, text: str) -> Result:
        """What the program would do."""
        self.write(text)
        return self.stack.preview()

    def up(self, text: str, **options: Any) -> Result:
        """Do what the program says."""
        self.write(text)
        return self.stack.up(**options)

    def id(self, name: str) -> str:
        """The id of a resource."""
        return self.stack.resources[name].id

    def ids(self, names: Mapping[str, str]) -> dict[str, list[str]]:
        """The ids of resources by their kinds, as the cloud tells them."""
        return {kind: [self.id(name)] for kind, name in names.items()}

    def outputs(self, name: str) -> dict[str, Any]:
        """The outputs of a resource."""
        return self.stack.resources[name].outputs


Declare = Callable[..., Declared]


@pytest.fixture(scope="session")
def fake_aws() -> Iterator[Any]:
    """The stand-in for AWS, one a process."""
    from tests.fakes.aws.server import FakeAws

    fake = FakeAws()
    yield fake
    fake.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Cloud]:
    """This host."""
    from tests.infra.clouds.here import Here

    cloud = Here(tmp_path / "records")
    yield cloud
    cloud.clear()


@pytest.fixture
def amazon(fake_aws: Any, tmp_path: Path) -> Cloud:
    """AWS, empty."""
    from cloudlayer.interfaces import SystemClock
    from tests.infra.clouds.amazon import Amazon

    fake_aws.reset()
    fake_aws.follow(SystemClock())
    return Amazon(fake_aws, tmp_path)


@pytest.fixture
def real_openstack(tmp_path: Path) -> Iterator[Cloud]:
    """The real services of OpenStack."""
    from tests.infra.clouds.real_openstack import RealOpenstack

    cloud = RealOpenstack(tmp_path)
    yield cloud
    cloud.close()


CLOUDS = ("here", "amazon", pytest.param("real_openstack", marks=pytest.mark.openstack))


@pytest.fixture(params=CLOUDS)
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """Each cloud in turn."""
    found: Cloud = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def declare(tmp_path: Path, cloud: Cloud) -> Declare:
    """Makes a stack on the cloud; each name is another one."""
    return lambda name="dev", **options: Declared(tmp_path / name, cloud, name, **options)


@pytest.fixture
def declared(declare: Declare) -> Declared:
    """A stack on the cloud."""
    return declare()


@pytest.fixture
def here_declared(tmp_path: Path, here: Cloud) -> Declared:
    """A stack on this host, for what is the same on every cloud."""
    return Declared(tmp_path / "stack", here)
