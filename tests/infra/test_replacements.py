"""What is replaced without being changed is another one, and what depends on it stays and follows it."""

import pytest

from tests.infra.clouds.base import Cloud
from tests.infra.conftest import Declared
from tests.infra.test_lives import NAMES, NONE, ops, program

pytestmark = [pytest.mark.pulumi, pytest.mark.timeout(400)]
"""Each test is many runs, of some seconds on a busy machine."""

COMPONENT = """
class Site(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("p:index:Site", name)
        volume("data", opts=pulumi.ResourceOptions(parent=self))

left = Site("left")
volume("data")
"""


def test_a_replacement_that_is_asked_for_by_hand_is_another_one(declared: Declared, cloud: Cloud) -> None:
    assert declared.up(program()).ok
    worker, data, front, crew = (declared.stack.resources[name] for name in NAMES.values())

    foreseen = declared.stack.preview(replace=[worker.urn, front.urn, crew.urn])
    assert foreseen.ok, foreseen.failures
    assert cloud.all_ids() == declared.ids(NAMES)
    replaced = declared.up(program(), replace=[worker.urn, front.urn, crew.urn])
    assert replaced.ok, replaced.failures
    assert ops(replaced) == {
        "worker": "create-replacement",
        "data": "update",
        "front": "create-replacement",
        "crew": "create-replacement",
    }
    assert cloud.all_ids() == declared.ids(NAMES)
    assert declared.id("worker") != worker.id
    assert declared.id("front") != front.id
    assert declared.id("data") == data.id
    assert cloud.holder_of(data.id) == declared.id("worker")
    assert cloud.targets_of(declared.id("front")) == {cloud.address_of(declared.id("worker"))}

    assert declared.stack.destroy().ok
    assert cloud.count() == NONE


def test_things_of_one_name_in_a_component_and_beside_it_are_two(here_declared: Declared, here: Cloud) -> None:
    made = here_declared.up(COMPONENT)
    assert made.ok, made.failures
    assert len(here.ids("volume")) == 2
    assert here_declared.up(COMPONENT).changes == []
    assert here_declared.stack.destroy().ok
    assert here.ids("volume") == []
