"""Two stacks of one program on one cloud are two of everything, and neither touches what is the other's."""

import pytest

from tests.infra.clouds.base import Cloud
from tests.infra.conftest import Declare
from tests.infra.test_lives import NAMES, NONE, ONE_OF_EACH, ops, program

pytestmark = [pytest.mark.pulumi, pytest.mark.timeout(400)]
"""Each test is many runs, of some seconds on a busy machine."""


def test_two_stacks_have_things_of_the_same_names(declare: Declare, cloud: Cloud) -> None:
    dev, prod = declare("dev"), declare("prod")
    for stack in (dev, prod):
        made = stack.up(program())
        assert made.ok, made.failures
    assert cloud.count() == dict.fromkeys(NAMES, 2)
    both = {kind: sorted([*dev.ids(NAMES)[kind], *prod.ids(NAMES)[kind]]) for kind in NAMES}
    assert {kind: sorted(ids) for kind, ids in cloud.all_ids().items()} == both

    ended = dev.stack.destroy()
    assert ended.ok, ended.failures
    assert cloud.all_ids() == prod.ids(NAMES)
    assert cloud.count() == ONE_OF_EACH
    untouched = prod.up(program(), refresh=True)
    assert untouched.ok, untouched.failures
    assert ops(untouched) == {}

    assert prod.stack.destroy().ok
    assert cloud.count() == NONE
