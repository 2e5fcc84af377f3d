"""A skip of the suite says what is missing, and none goes through that is not on the list."""

from types import SimpleNamespace

import pytest

from cloudlayer.interfaces import Capabilities, Capability
from cloudlayer.testing import Faults, skips
from tests.conformance import conftest

PROVIDER = SimpleNamespace(name="mine", capabilities=Capabilities("mine", {"spot": Capability(False, "use: on_demand")}))


def reason_of(skipping):
    with pytest.raises(pytest.skip.Exception) as caught:
        skipping()
    return str(caught.value)


def test_a_skip_can_be_read_back():
    assert skips.parse(reason_of(lambda: skips.need(PROVIDER, "spot"))) == ("capability", "spot", "use: on_demand")
    assert skips.parse(f"Skipped: {reason_of(Faults().throttle)}")[:2] == ("fault", "throttle")
    assert skips.parse(reason_of(lambda: Faults().deny("volume")))[:2] == ("fault", "deny(volume)")
    assert skips.parse("because I say so") is None


def test_what_is_there_skips_only_the_promises_of_those_without_it():
    able = SimpleNamespace(name="mine", capabilities=Capabilities("mine", {"spot": Capability(True)}))
    skips.need(able, "spot")
    assert skips.parse(reason_of(lambda: skips.lacks(able, "spot")))[:2] == ("present", "spot")
    assert skips.lacks(PROVIDER, "spot") == "use: on_demand"


@pytest.mark.parametrize(
    ("reason", "allowed"),
    [
        ("capability shares: none", True),
        ("capability disks: none", False),
        ("fault throttle: cannot", True),
        ("fault deny(volume): cannot", True),
        ("fault deny(group): cannot", False),
        ("fault launched: cannot", True),
        ("present spot: mine has it", True),
        ("no reason at all", False),
    ],
)
def test_a_promise_is_left_out_only_for_what_is_on_the_list(monkeypatch, reason, allowed):
    listed = {"capability": ["shares"], "fault": ["throttle", "deny(volume)"], "TestMine": {"fault": ["launched"]}}
    monkeypatch.setattr(conftest, "MAY_LACK", {"simulated": listed})
    suite = type("TestMine", (), {})
    assert conftest.may_skip("simulated", suite, f"Skipped: {reason}") is allowed


@pytest.mark.parametrize(("reason", "outcome"), [("capability shares: none", "skipped"), ("in a hurry", "failed")])
def test_any_other_skip_fails(reason, outcome):
    item = SimpleNamespace(path=conftest.HERE / "aws" / "test_it.py", cls=None, get_closest_marker=lambda _: None)
    report = SimpleNamespace(skipped=True, outcome="skipped", longrepr=("test_it.py", 1, f"Skipped: {reason}"))
    hook = conftest.pytest_runtest_makereport(item, None)
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(report)
    assert report.outcome == outcome
