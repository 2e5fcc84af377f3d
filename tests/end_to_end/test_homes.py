"""Two homes on one host: fleets of the same name, and neither ever touches what is the other's."""

from __future__ import annotations

from collections.abc import Callable

from .deployment import Deployment, manifest

LINES = 'name = "home/Echo"\nversion = "1.0.0"\nscale = { min = 1, max = 1 }'


def test_two_homes_with_the_same_fleet_do_not_touch_each_other(deploy: Callable[..., Deployment]) -> None:
    one, other = deploy(), deploy()
    other.environment["CLOUDLAYER_LOCAL_STATE"] = one.environment["CLOUDLAYER_LOCAL_STATE"]
    for deployment in (one, other):
        deployment.up(manifest(deployment.folder, "same", LINES))
        assert deployment.call("home/Echo", 1) == 1
    ours, theirs = one.pids(), other.pids()
    assert not ours & theirs
    assert len(one.machines()) == 2
    one.run("sweep", "--provider", "local", "--yes")
    assert other.pids() == theirs
    one.down()
    assert other.pids() == theirs
    assert other.call("home/Echo", 2) == 2
    assert len(one.machines()) == 1
    other.down()
    assert one.machines() == []
