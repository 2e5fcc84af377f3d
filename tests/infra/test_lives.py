"""The life of each kind of resource on each cloud, from its preview to its end, counted by the cloud's own account."""

import pytest

from tests.infra import engine
from tests.infra.clouds.base import Cloud
from tests.infra.conftest import Declared

pytestmark = [pytest.mark.pulumi, pytest.mark.timeout(400)]
"""Each test is many runs, of some seconds on a busy machine."""

NAMES = {"instance": "worker", "volume": "data", "balancer": "front", "group": "crew"}
ONE_OF_EACH = dict.fromkeys(NAMES, 1)
NONE = dict.fromkeys(NAMES, 0)

PROGRAM = """
worker = instance("worker"{worker})
data = volume("data", zone=worker.zone, attached_to=worker.id{data})
front = balancer("front", targets=[{{"instance": worker.id}}]{front})
crew = group("crew"{crew})
pulumi.export("worker", worker.id)
pulumi.export("holder", data.attached_to)
"""


def program(**more: str) -> str:
    """The program, with more arguments for some of its resources."""
    return PROGRAM.format(**{name: f", {more[name]}" if name in more else "" for name in NAMES.values()})


def ops(result: engine.Result) -> dict[str, str]:
    """What was done to each of ours, the last word of it; what stayed the same is left out."""
    return {name: op for op, name in result.changes if name in NAMES.values()}


def test_from_the_preview_to_the_end(declared: Declared, cloud: Cloud) -> None:
    foreseen = declared.preview(program())
    assert foreseen.ok, foreseen.failures
    assert ops(foreseen) == dict.fromkeys(NAMES.values(), "create")
    assert foreseen.outputs == {"worker": engine.UNKNOWN, "holder": engine.UNKNOWN}
    assert cloud.count() == NONE
    assert declared.stack.states == []

    made = declared.up(program())
    assert made.ok, made.failures
    assert cloud.all_ids() == declared.ids(NAMES)
    worker, data, front, crew = (declared.id(name) for name in NAMES.values())
    assert made.outputs == {"worker": worker, "holder": worker}
    assert cloud.holder_of(data) == worker
    assert cloud.targets_of(front) == {cloud.address_of(worker)}

    same_inputs = {"worker": 'purchase="on_demand"', "data": "size=1024 ** 3", "crew": "policies=[]"}
    edited = declared.up("# another comment\nimport math\n" + program(**same_inputs))
    assert edited.ok, edited.failures
    assert ops(edited) == {}

    other = {"worker": "machine_type=OTHER_TYPE", "data": 'size="2GiB"', "crew": "max=3"}
    without_target = program(**other).replace('{"instance": worker.id}', "")
    assert ops(declared.preview(without_target)) == dict.fromkeys(NAMES.values(), "update")
    assert cloud.type_of(worker) != cloud.other_type
    changed = declared.up(without_target)
    assert changed.ok, changed.failures
    assert ops(changed) == dict.fromkeys(NAMES.values(), "update")
    assert cloud.all_ids() == {"instance": [worker], "volume": [data], "balancer": [front], "group": [crew]}
    assert cloud.type_of(worker) == cloud.other_type
    assert cloud.state_of(worker) in ("running", "active")
    assert cloud.gibibytes(data) == 2
    assert cloud.holder_of(data) == worker
    assert cloud.bounds_of(crew) == (1, 3)
    assert cloud.targets_of(front) == set()

    replacing = {"worker": 'labels={"colour": "blue"}', "front": 'labels={"colour": "blue"}', "crew": 'name="gang"'}
    replaced = declared.up(program(**replacing, data='size="2GiB"'))
    assert replaced.ok, replaced.failures
    assert ops(replaced) == {**dict.fromkeys(NAMES.values(), "create-replacement"), "data": "update"}
    assert cloud.all_ids() == declared.ids(NAMES)
    assert not {worker, front, crew} & {declared.id(name) for name in NAMES.values()}
    assert declared.id("data") == data
    assert cloud.holder_of(data) == declared.id("worker")
    assert cloud.targets_of(declared.id("front")) == {cloud.address_of(declared.id("worker"))}

    fewer = declared.up(program(**replacing, data='size="2GiB"').replace("crew = group", "# "))
    assert fewer.ok, fewer.failures
    assert ops(fewer) == {"crew": "delete"}
    assert cloud.count() == {**ONE_OF_EACH, "group": 0}

    ended = declared.stack.destroy()
    assert ended.ok, ended.failures
    assert cloud.count() == NONE
    assert cloud.pieces() == {}
    assert declared.stack.states == []


def test_what_others_did_is_found_and_healed(declared: Declared, cloud: Cloud) -> None:
    assert declared.up(program()).ok
    worker, data, front, crew = (declared.id(name) for name in NAMES.values())
    cloud.stop(worker)
    cloud.detach(data)
    cloud.drop_target(front, worker)
    cloud.bound(crew, 1)

    found = declared.stack.refresh()
    assert found.ok, found.failures
    drifted = {name: declared.outputs(name)["drifted"] for name in NAMES.values()}
    assert drifted == {"worker": ["state"], "data": ["attached_to"], "front": ["targets"], "crew": ["max"]}

    healed = declared.up(program())
    assert healed.ok, healed.failures
    assert ops(healed) == dict.fromkeys(NAMES.values(), "update")
    assert cloud.all_ids() == {"instance": [worker], "volume": [data], "balancer": [front], "group": [crew]}
    assert cloud.state_of(worker) in ("running", "active")
    assert cloud.holder_of(data) == worker
    assert cloud.targets_of(front) == {cloud.address_of(worker)}
    assert cloud.bounds_of(crew) == (1, 2)
    assert ops(declared.up(program(), refresh=True)) == {}

    for kind, (thing,) in reversed(cloud.all_ids().items()):
        cloud.delete(kind, thing)
    anew = declared.up(program(), refresh=True)
    assert anew.ok, anew.failures
    assert cloud.all_ids() == declared.ids(NAMES)
    assert not {worker, data, front} & {declared.id(name) for name in NAMES.values()}
    assert declared.stack.destroy().ok
    assert cloud.count() == NONE
