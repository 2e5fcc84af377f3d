"""The plug-in is killed at any point of a create, an update or a delete, and the next run ends what it began: one of each."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.clouds.amazon import Amazon
from tests.infra.clouds.base import Cloud
from tests.infra.conftest import DYING, Declare, Declared
from tests.infra.test_lives import NAMES, NONE, ops

pytestmark = [pytest.mark.pulumi, pytest.mark.timeout(400)]
"""Each test is many runs, of some seconds on a busy machine."""

IN_TURN = """
after = lambda *those: pulumi.ResourceOptions(depends_on=[*those])
worker = instance("worker"{worker})
data = volume("data", attached_to=worker.id{data})
front = balancer("front", targets={targets}, opts=after(data))
crew = group("crew", opts=after(front){crew})
"""
"""One after the other, so that what is killed in one of them has not reached the next."""

BEFORE = IN_TURN.format(worker="", data="", targets="[]", crew="")
AFTER = IN_TURN.format(
    worker=", machine_type=OTHER_TYPE", data=', size="2GiB"', targets='[{"instance": worker.id}]', crew=", max=3"
)

CREATES = (
    "compute.create_batch before",
    "compute.create_batch after",
    "compute.wait before",
    "storage.create after",
    "storage.attach after",
    "load_balancing.create after",
    "autoscaling.create after",
)
UPDATES = (
    "compute.stop after",
    "compute.resize after",
    "storage.grow after",
    "load_balancing.register after",
    "autoscaling.update after",
)
DELETES = ("autoscaling.delete before", "load_balancing.delete after", "storage.detach after", "compute.delete after")


@pytest.fixture
def dying(declare: Declare) -> Declared:
    """A stack whose plug-in kills itself where it is told to."""
    return declare(plugin=DYING)


def test_kills_of_the_plug_in_leave_one_of_each_and_at_the_end_none(dying: Declared, cloud: Cloud) -> None:
    for moment in CREATES:
        dying.death.write_text(moment)
        assert not dying.up(BEFORE).ok
        assert not dying.death.exists(), f"nothing died at {moment}"
        assert all(number <= 1 for number in cloud.count().values()), moment
    made = dying.up(BEFORE)
    assert made.ok, made.failures
    assert cloud.all_ids() == dying.ids(NAMES)
    before = cloud.all_ids()

    for moment in UPDATES:
        dying.death.write_text(moment)
        assert not dying.up(AFTER).ok
        assert not dying.death.exists(), f"nothing died at {moment}"
    changed = dying.up(AFTER)
    assert changed.ok, changed.failures
    assert cloud.all_ids() == dying.ids(NAMES) == before
    assert cloud.type_of(dying.id("worker")) == cloud.other_type
    assert cloud.gibibytes(dying.id("data")) == 2
    assert cloud.holder_of(dying.id("data")) == dying.id("worker")
    assert cloud.targets_of(dying.id("front")) == {cloud.address_of(dying.id("worker"))}
    assert cloud.bounds_of(dying.id("crew")) == (1, 3)
    assert ops(dying.up(AFTER)) == {}

    for moment in DELETES:
        dying.death.write_text(moment)
        assert not dying.stack.destroy().ok
        assert not dying.death.exists(), f"nothing died at {moment}"
    ended = dying.stack.destroy()
    assert ended.ok, ended.failures
    assert cloud.count() == NONE
    assert cloud.pieces() == {}


class TestAmazon:
    """Kills between two requests of one create, which the stand-in for AWS sees."""

    @pytest.fixture
    def cloud(self, amazon: Amazon) -> Amazon:
        return amazon

    @pytest.mark.parametrize("action", ["CreateLaunchTemplate", "CreateAutoScalingGroup", "CreateTargetGroup"])
    def test_a_kill_before_the_answer_of_a_request_comes_leaves_one_of_each(
        self, declared: Declared, cloud: Amazon, monkeypatch: pytest.MonkeyPatch, action: str
    ) -> None:
        really: Callable[..., Any] = cloud.fake._execute

        def executed(call: Any, environ: Any, body: Any) -> Any:
            answer = really(call, environ, body)
            if call.action == action:
                declared.stack.kill_plugin()
            return answer

        monkeypatch.setattr(cloud.fake, "_execute", executed)
        things = 'balancer("front")\ngroup("crew")'
        assert not declared.up(things).ok
        monkeypatch.undo()
        made = declared.up(things)
        assert made.ok, made.failures
        assert cloud.count() == {**NONE, "balancer": 1, "group": 1}
        assert declared.stack.destroy().ok
        assert cloud.pieces() == {}
