"""What a check and a comparison say of inputs alone: no cloud is called, and none has to be logged in to."""

import uuid
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pulumi")

from pulumi.runtime.rpc import UNKNOWN

from cloudlayer.infra import connections
from cloudlayer.infra.balancers import LoadBalancerLife
from cloudlayer.infra.groups import ScalingGroupLife
from cloudlayer.infra.inputs import fingerprints, provider_of
from cloudlayer.infra.instances import InstanceLife
from cloudlayer.infra.life import Life
from cloudlayer.infra.shares import ShareLife
from cloudlayer.infra.values import plain
from cloudlayer.infra.volumes import VolumeLife
from cloudlayer.resources import ScalingGroup, ScalingGroupState
from tests.infra.conftest import Declared

OWNER = str(uuid.UUID(int=1))
URN = "urn:pulumi:dev::p::pulumi-python:dynamic/cloudlayer:Thing::it"
AWS_KEYS = {"access_key_id": "AKIATEST", "secret_access_key": "hidden-secret"}


NOWHERE = """
clouds:
  nowhere:
    auth: {auth_url: "http://127.0.0.1:9/v3", username: nobody, password: none, project_name: none, user_domain_id: none}
    region_name: nowhere
"""
"""A cloud that does not answer, and whose catalogue is not needed for what its driver never has."""


@pytest.fixture(autouse=True)
def nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No credentials anywhere, and no provider that an earlier test connected."""
    for name in ("OS_CLOUD", "OS_CLIENT_CONFIG_FILE", "OS_AUTH_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDLAYER_LOCAL_STATE", str(tmp_path / "records"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clouds.yaml").write_text(NOWHERE)
    connections._connected.cache_clear()


def given(**properties: Any) -> dict[str, Any]:
    """Inputs as the plug-in gets them."""
    return {"provider": "local", "owner": OWNER, "logical": URN, "__provider": "…", **properties}


def made(life: Life, **properties: Any) -> dict[str, Any]:
    """The outputs of a thing that was made with these inputs and has not changed since."""
    document = plain(given(**properties))
    kept = {name: value for name, value in document.items() if name in ("provider", "owner", "logical", "size", "targets")}
    return {**kept, "asked": fingerprints(life.shape, document, OWNER), "seen": {}, "drifted": [], "state": "running"}


def problems(life: Life, **properties: Any) -> dict[str, str]:
    """What the check says, by property."""
    return {failure.property: failure.reason for failure in life.check({}, given(**properties)).failures}


def differences(life: Life, before: dict[str, Any], **now: Any) -> tuple[bool, list[str]]:
    """Whether there is a difference, and which properties replace."""
    found = life.diff("id", before, given(**now))
    return bool(found.changes), found.replaces


FAULTS = {
    "memory": (InstanceLife, {"memory": "lots"}, "memory", "lots"),
    "a machine of two kinds": (InstanceLife, {"purchase": "stolen"}, "purchase", "on_demand"),
    "within a list": (InstanceLife, {"open_ports": [{"port": 0.0, "source": "0.0.0.0/0"}]}, "open_ports", "open_ports[0].port"),
    "size": (VolumeLife, {"size": "-1GiB"}, "size", "-1GiB"),
    "no size": (VolumeLife, {}, "size", "required"),
    "an unknown input": (VolumeLife, {"size": "1GiB", "sise": 1.0}, "sise", "unknown key"),
    "bounds": (ScalingGroupLife, {"name": "crew", "template": {}, "min": 3.0, "max": 2.0}, "", "ascending"),
    "a listener": (
        LoadBalancerLife,
        {"name": "front", "listeners": [{"port": 80.0, "protocol": "smoke", "target_port": 80.0}]},
        "listeners",
        "listeners[0].protocol",
    ),
    "no provider": (VolumeLife, {"size": "1GiB", "provider": None}, "provider", "name one"),
    "an unknown provider": (VolumeLife, {"size": "1GiB", "provider": "nowhere"}, "provider", 'no provider is called "nowhere"'),
    "an unknown option": (VolumeLife, {"size": "1GiB", "provider_options": {"stat": "x"}}, "provider", "unknown option"),
    "what the provider lacks": (InstanceLife, {"user_data": "#!/bin/sh"}, "provider", "user data: a machine of this host"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_its_property_and_place(fault: str) -> None:
    life, properties, name, reason = FAULTS[fault]
    assert reason in problems(life(), **properties)[name]


def test_all_faults_are_told_at_once() -> None:
    assert set(problems(InstanceLife(), memory="lots", purchase="stolen", cpu=-1.0)) == {"memory", "purchase", "cpu"}


NOWHERE = """
clouds:
  nowhere:
    auth: {auth_url: "http://127.0.0.1:9/v3", username: u, password: p, project_name: p, user_domain_id: d}
"""


@pytest.mark.parametrize(
    ("provider", "options"), [("local", {}), ("aws:us-east-1", AWS_KEYS), ("openstack", {"cloud": "nowhere"})]
)
def test_a_provider_without_shares_says_so(
    provider: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clouds.yaml").write_text(NOWHERE)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    found = problems(ShareLife(), size="1GiB", provider=provider, provider_options=options)
    assert found["provider"].startswith(f"{provider.partition(':')[0]} has no share: ")


def test_a_check_needs_no_credentials() -> None:
    for provider in ("aws:us-east-1", "openstack"):
        assert problems(VolumeLife(), size="1GiB", provider=provider) == {}
        assert set(problems(VolumeLife(), size="much", provider=provider)) == {"size"}


def test_what_is_not_known_yet_is_not_judged() -> None:
    assert problems(VolumeLife(), size=UNKNOWN, attached_to=UNKNOWN) == {}
    assert problems(InstanceLife(), disks=[{"size": UNKNOWN}], labels={"of": UNKNOWN}, provider=UNKNOWN) == {}
    assert set(problems(InstanceLife(), disks=[{"size": UNKNOWN}], memory="lots")) == {"memory"}
    assert problems(LoadBalancerLife(), name="front", listeners=[UNKNOWN], targets=[{"instance": UNKNOWN}]) == {}


def test_a_number_is_the_same_whether_whole_or_not() -> None:
    life = InstanceLife()
    assert differences(life, made(life, cpu=2, memory=4 * 2**30), cpu=2.0, memory=float(4 * 2**30)) == (False, [])


def test_other_words_for_the_same_are_no_difference() -> None:
    life = InstanceLife()
    before = made(life, memory="4GiB", disks=[{"size": "8GiB"}])
    now = {"memory": float(4 * 2**30), "disks": [{"size": 8.0 * 2**30, "boot": False}], "purchase": "on_demand", "labels": {}}
    assert differences(life, before, **now) == (False, [])
    assert differences(life, before, memory="5GiB", disks=[{"size": "8GiB"}]) == (True, ["memory"])


def test_what_the_program_calls_it_and_a_new_owner_are_no_difference() -> None:
    life = VolumeLife()
    renamed = given(size="1GiB") | {"logical": f"{URN}-renamed", "owner": str(uuid.UUID(int=2)), "__provider": "newer"}
    found = life.diff("id", made(life, size="1GiB"), renamed)
    assert (found.changes, found.replaces) == (False, [])


def test_another_provider_replaces() -> None:
    life = VolumeLife()
    assert differences(life, made(life, size="1GiB"), size="1GiB", provider="aws:us-east-1") == (True, ["provider"])


def test_other_options_are_a_difference_that_replaces_nothing() -> None:
    life = VolumeLife()
    before = made(life, size="1GiB")
    assert differences(life, before, size="1GiB", provider_options={"state": "/elsewhere"}) == (True, [])


def test_a_volume_grows_and_never_shrinks_in_place() -> None:
    life = VolumeLife()
    before = made(life, size="2GiB")
    assert differences(life, before, size="3GiB") == (True, [])
    assert differences(life, before, size="1GiB") == (True, ["size"])
    assert differences(life, before, size=UNKNOWN) == (True, [])


def test_a_zone_that_is_not_known_yet_costs_no_volume() -> None:
    life = VolumeLife()
    before = made(life, size="1GiB", zone="here")
    assert differences(life, before, size="1GiB", zone=UNKNOWN) == (True, [])
    assert differences(life, before, size="1GiB", zone="there") == (True, ["zone"])


def test_what_leads_to_a_thing_that_is_replaced_replaces_as_long_as_it_is_unknown() -> None:
    life = InstanceLife()
    before = made(life, machine_type="eighth", overrides={"network": "n-1"})
    assert differences(life, before, machine_type="eighth", overrides={"network": UNKNOWN}) == (True, ["overrides"])


def test_a_type_that_is_named_changes_in_place_and_one_that_is_chosen_by_figures_replaces() -> None:
    life = InstanceLife()
    assert differences(life, made(life, machine_type="eighth"), machine_type="quarter") == (True, [])
    assert differences(life, made(life, cpu=1), cpu=2.0) == (True, ["cpu"])


def test_a_machine_that_stopped_is_started_and_one_that_failed_is_replaced() -> None:
    life = InstanceLife()
    drifted = made(life, machine_type="eighth") | {"drifted": ["state"]}
    assert differences(life, drifted | {"state": "stopped"}, machine_type="eighth") == (True, [])
    assert differences(life, drifted | {"state": "failed"}, machine_type="eighth") == (True, ["state"])


def test_a_failed_check_ends_a_preview_with_the_property(here_declared: Declared) -> None:
    found = here_declared.preview('volume("data", size="much")')
    assert [(failure.property, failure.urn.rpartition("::")[2]) for failure in found.failures] == [("size", "data")]
    found = here_declared.preview('share("files")')
    assert [failure.property for failure in found.failures] == ["provider"]
    assert "local has no share: this host has one file system" in found.failures[0].text


def test_delete_before_replace_cannot_be_turned_around(here_declared: Declared) -> None:
    found = here_declared.preview('volume("data", opts=pulumi.ResourceOptions(delete_before_replace=False))')
    assert "declare the new one under another name" in found.failures[0].text


def test_what_grew_by_other_hands_is_not_made_smaller_by_a_replacement() -> None:
    life = VolumeLife()
    before = made(life, size="1GiB") | {"bytes": 4 * 2**30}
    assert differences(life, before, size="1GiB") == (False, [])
    assert differences(life, before, size="2GiB") == (True, [])


def test_bounds_that_a_policy_changes_by_the_clock_are_no_drift() -> None:
    group = ScalingGroup("id", "local", "here", ScalingGroupState.ACTIVE, "crew", min=1, max=2, desired=1)
    tracked = ScalingGroupLife.shape.tracked
    assert tracked(None, group, {"policies": [{"kind": "step"}]}) == {"min": 1, "max": 2}
    assert tracked(None, group, {"policies": [{"kind": "step"}, {"kind": "scheduled"}]}) == {}


@pytest.mark.parametrize("elsewhere", ["eu-west-1", None])
def test_a_thing_is_looked_for_where_it_was_made(monkeypatch: pytest.MonkeyPatch, elsewhere: str | None) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_REGION", elsewhere) if elsewhere else monkeypatch.delenv("AWS_REGION", raising=False)
    assert provider_of({"provider": "aws", "provider_options": AWS_KEYS, "region": "us-east-1"}).region == "us-east-1"
