"""`doctor PROVIDER` and `iam PROVIDER`."""

import json

from cloudlayer.providers.simulated import Fault

FULL = """
from types import SimpleNamespace
from cloudlayer.interfaces import Capabilities, Capability
from cloudlayer.resources import Quota

quotas = [Quota("vcpus", 10, 9, "ask for more"), Quota("volumes", 10, 2, "ask again"), Quota("addresses", 5, None, "?")]
can = {"on_demand": Capability(True), "autoscaling": Capability(False, "nobody scales here")}
return SimpleNamespace(name="shop", region=region or "here", capabilities=Capabilities("shop", can),
                       check=lambda: FAULTS, quotas=lambda: quotas)
""".strip()
UNTOLD = """
from cloudlayer.errors import PermissionDenied
def deny():
    raise PermissionDenied("not for you", provider="shop")
""" + FULL.replace("quotas=lambda: quotas", "quotas=deny")


def test_one_provider_is_examined_with_its_interfaces_and_limits(cli, plug_in):
    plug_in("shop", FULL.replace("FAULTS", "[]"))
    outcome = cli("doctor", "shop:there", "--json")
    assert outcome.code == 0
    seen = outcome.document
    assert (seen["provider"], seen["region"], seen["wrong"], seen["untold"]) == ("shop:there", "there", [], None)
    assert seen["interfaces"]["compute"] == {"supported": True, "reason": ""}
    assert seen["interfaces"]["autoscaling"] == {"supported": False, "reason": "nobody scales here"}
    assert [(one["name"], one["nearly_full"]) for one in seen["quotas"]] == [
        ("vcpus", True),
        ("volumes", False),
        ("addresses", False),
    ]


def test_the_mend_of_a_limit_is_told_where_it_is_nearly_reached(cli, plug_in):
    plug_in("shop", FULL.replace("FAULTS", "[]"))
    lines = cli("doctor", "shop").out.splitlines()
    assert [line.split() for line in lines[-3:]] == [
        ["vcpus", "9", "10", "ask", "for", "more"],
        ["volumes", "2", "10"],
        ["addresses", "?", "5"],
    ]


def test_what_is_wrong_is_told_and_the_exit_is_1(cli, plug_in):
    plug_in("shop", FULL.replace("FAULTS", "['the key is old: renew it']"))
    outcome = cli("doctor", "shop")
    assert outcome.code == 1
    assert "the key is old: renew it" in outcome.out


def test_limits_that_are_not_told_are_no_fault(cli, plug_in):
    plug_in("shop", UNTOLD.replace("FAULTS", "[]"))
    outcome = cli("doctor", "shop")
    assert outcome.code == 0
    assert "its limits are not told: shop: not for you" in outcome.err
    assert cli("doctor", "shop", "--json").document["untold"] == "shop: not for you"


def test_the_limits_of_a_real_account_count_what_is_there(cli, cloud):
    cloud.set_quota("volumes", 2)
    cli("volume", "create", "--provider", "simulated", "--size", "1GiB", "--yes")
    (quota,) = [one for one in cli("doctor", "simulated", "--json").document["quotas"] if one["name"] == "volumes"]
    assert (quota["used"], quota["limit"]) == (1, 2)
    cloud.inject(Fault("refused", "check", error="auth", times=None))
    assert cli("doctor", "simulated").code == 1


def test_a_provider_that_is_not_there_is_wrong_usage(cli):
    assert cli("doctor", "nowhere").code == 2
    assert cli("doctor", "local", "--provider", "local").code == 2


def test_the_least_policy_is_printed_as_it_is(cli, plug_in):
    text = json.dumps({"Allow": ["buy"]}, indent=1)
    plug_in("shop", "raise RuntimeError('it is not connected')", more=f"def policy():\n    return {text!r}")
    assert cli("iam", "shop").out == text + "\n"
    assert cli("iam", "shop:there", "--json").document == {"provider": "shop:there", "policy": {"Allow": ["buy"]}}


def test_where_none_is_needed_that_is_said(cli, plug_in):
    plug_in("shop", "pass")
    outcome = cli("iam", "shop")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "shop needs no permissions: there are none to give\n")
    assert cli("iam", "shop", "--json").document == {"provider": "shop", "policy": None}
    assert cli("iam", "nowhere").code == 2
