"""What cannot be made is told with the cloud's reason, leaves nothing there and nothing in the state, and can be made later."""

import json
import re
from typing import Any

import pytest

from tests.infra.clouds.amazon import Amazon
from tests.infra.clouds.base import Cloud
from tests.infra.conftest import Declare, Declared
from tests.infra.test_lives import NONE

pytestmark = pytest.mark.pulumi

NO_TYPE = "no-such-type|no machine type fits"
REFUSED = {
    "volume": ('volume("it", attached_to="no-such-machine")', "no-such-machine"),
    "instance": ('instance("it", machine_type="no-such-type")', NO_TYPE),
    "balancer": ('balancer("it", targets=[{"instance": "no-such-machine"}])', "no-such-machine"),
    "group": (
        'group("it", template={**CLOUD["defaults"]["group"]["template"], "machine_type": "no-such-type"})',
        NO_TYPE,
    ),
}
QUOTAS = {
    "instance": "VcpuLimitExceeded",
    "group": "LimitExceeded",
    "balancer": "TooManyLoadBalancers",
    "volume": "VolumeLimitExceeded",
}
ALLOWED = {kind: f'{kind}("it")' for kind in REFUSED}


def test_what_the_cloud_refuses_leaves_nothing_and_says_why(declared: Declared, cloud: Cloud) -> None:
    for kind, (text, reason) in REFUSED.items():
        refused = declared.up(text)
        assert [failure.urn.rpartition("::")[2] for failure in refused.failures] == ["it"], kind
        (told,) = [line for line in refused.failures[0].text.splitlines() if "ResourceError: create" in line]
        assert re.search(reason, told)
        assert "it" not in declared.stack.resources
        assert cloud.count() == NONE, kind
        assert cloud.pieces() == {}, kind


def test_what_was_taken_away_is_made_once_it_can_be(here_declared: Declared, here: Cloud) -> None:
    assert not here_declared.up(REFUSED["volume"][0]).ok
    made = here_declared.up(ALLOWED["volume"])
    assert made.ok, made.failures
    assert here.count() == {**NONE, "volume": 1}


class TestAmazon:
    """Faults that only the stand-in can be told to have."""

    @pytest.fixture
    def cloud(self, amazon: Amazon) -> Amazon:
        return amazon

    def test_a_quota_is_told_by_its_kind_and_nothing_stays(self, declared: Declared, cloud: Amazon) -> None:
        for kind, text in ALLOWED.items():
            cloud.faults.exceed_quota(kind)
            refused = declared.up(text)
            assert f"[{QUOTAS[kind]}]" in refused.failures[0].text
            assert cloud.pieces() == {}, kind
            cloud.faults.clear()
        made = declared.up(ALLOWED["instance"])
        assert made.ok, made.failures
        assert cloud.count() == {**NONE, "instance": 1}

    def test_a_machine_that_ends_while_it_starts_is_taken_away(self, declared: Declared, cloud: Amazon) -> None:
        cloud.fake.options.failing = "Server.InternalError"
        refused = declared.up(ALLOWED["instance"])
        assert "Server.InternalError" in refused.failures[0].text
        assert cloud.count() == NONE
        cloud.fake.options.failing = ""
        assert declared.up(ALLOWED["instance"]).ok
        assert cloud.count() == {**NONE, "instance": 1}

    def test_an_answer_that_is_lost_makes_no_second_one(self, declared: Declared, cloud: Amazon) -> None:
        cloud.faults.lose_answer("instance")
        cloud.faults.lose_answer("volume")
        made = declared.up(f'{ALLOWED["instance"]}\nvolume("data")')
        assert made.ok, made.failures
        assert cloud.count() == {**NONE, "instance": 1, "volume": 1}

    def test_a_create_while_the_cloud_is_away_is_gone_on_with(self, declared: Declared, cloud: Amazon) -> None:
        cloud.fake.fault(action="DescribeInstances", code="AuthFailure", status=401)
        refused = declared.up(ALLOWED["instance"])
        assert "the next run goes on with it" in refused.failures[0].text
        cloud.fake.rules.clear()
        made = declared.up(ALLOWED["instance"])
        assert made.ok, made.failures
        assert cloud.count() == {**NONE, "instance": 1}

    def test_rotated_keys_change_nothing_at_the_cloud(self, declared: Declared, cloud: Amazon, declare: Declare) -> None:
        assert declared.up(ALLOWED["instance"]).ok
        before, calls = declared.id("it"), len(cloud.fake.calls)
        rotated: dict[str, Any] = {**cloud.options, "access_key_id": "AKIAROTATED", "secret_access_key": "another-secret"}
        document = json.loads(declared.stack.config["p:cloud"])
        declared.stack.config["p:cloud"] = json.dumps({**document, "options": rotated})
        again = declared.up(ALLOWED["instance"])
        assert again.ok, again.failures
        assert declared.id("it") == before
        assert {call.action for call in cloud.fake.calls[calls:] if not call.action.startswith("Describe")} == set()
        assert declared.outputs("it")["provider_options"]["access_key_id"] == "AKIAROTATED"
        later = len(cloud.fake.calls)
        assert declared.stack.destroy().ok
        assert {call.key for call in cloud.fake.calls[later:]} == {"AKIAROTATED"}
