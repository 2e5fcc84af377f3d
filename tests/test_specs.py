import pytest

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import (
    DiskSpec,
    HealthCheck,
    InstanceSpec,
    Listener,
    LoadBalancerSpec,
    ScalingGroupSpec,
    ScheduledSize,
    ShareSpec,
    StepPolicy,
    TargetSpec,
    VolumeSpec,
)
from cloudlayer.specs import checked
from cloudlayer.units import GIB

LISTENER = {"port": 80, "protocol": "tcp", "target_port": 80}
STEP = {"kind": "step", "name": "up", "change": 1}


def refusal(model, data):
    with pytest.raises(InvalidSpec) as caught:
        checked(model, data, "spec")
    return str(caught.value).splitlines()


def test_texts_with_units_become_numbers():
    spec = checked(InstanceSpec, {"cpu": 2, "memory": "8GiB", "disks": [{"size": "20GiB", "boot": True}]}, "")
    assert (spec.cpu, spec.memory, spec.disks) == (2.0, 8 * GIB, (DiskSpec(size=20 * GIB, boot=True),))


def test_an_unknown_key_is_named_with_those_that_are_known():
    (line,) = refusal(VolumeSpec, {"size": "1GiB", "colour": "red"})
    assert line.startswith("spec.colour: unknown key; known here: ")
    assert "iops" in line
    assert "snapshot" in line


def test_an_unknown_key_deep_inside_is_named_by_its_path():
    (line,) = refusal(InstanceSpec, {"disks": [{"size": "1GiB"}, {"size": "1GiB", "speed": 3}]})
    assert line == "spec.disks[1].speed: unknown key; known here: boot, size, type"


def test_a_decimal_size_is_refused_with_what_to_write():
    (line,) = refusal(InstanceSpec, {"memory": "16GB"})
    assert line.startswith("spec.memory: ")
    assert '"16GiB"' in line


@pytest.mark.parametrize("size", [0, -1, "0MiB", "0.1B"])
def test_a_size_of_nothing_is_refused(size):
    (line,) = refusal(VolumeSpec, {"size": size})
    assert line == "spec.size: must be more than 0"


@pytest.mark.parametrize("value", [True, "4", float("nan"), float("inf"), -2, 0])
def test_processors_are_a_number_above_zero(value):
    (line,) = refusal(InstanceSpec, {"cpu": value})
    assert line.startswith("spec.cpu: ")


def test_every_fault_has_a_line_of_its_own():
    lines = refusal(ScalingGroupSpec, {"name": "Web", "max": -1, "template": {"memory": "1GB"}})
    assert [line.partition(":")[0] for line in lines] == ["spec.name", "spec.template.memory", "spec.max"]


def test_what_is_required_is_asked_for():
    assert refusal(ShareSpec, {}) == ["spec.size: is required"]


@pytest.mark.parametrize("name", ["", "Web", "1web", "web-", "web_1", "w" * 41, "wéb", "web\n", "-web"])
def test_a_name_that_some_cloud_refuses_is_refused_here(name):
    (line,) = refusal(VolumeSpec, {"size": "1GiB", "name": name})
    assert "is a name that some cloud refuses: use 1 to 40 small letters" in line


@pytest.mark.parametrize("name", ["w", "web", "web-1", "w" * 40])
def test_a_name_that_every_cloud_takes_is_taken(name):
    assert checked(VolumeSpec, {"size": "1GiB", "name": name}, "").name == name


def test_a_number_is_not_taken_for_text_nor_text_for_a_number():
    assert refusal(InstanceSpec, {"zone": 3})[0].startswith("spec.zone: ")
    assert refusal(InstanceSpec, {"gpu_count": "3"})[0].startswith("spec.gpu_count: ")


@pytest.mark.parametrize(
    ("model", "data", "reason"),
    [
        (InstanceSpec, {"reservation": "cr-1"}, 'purchase = "reserved" alone'),
        (InstanceSpec, {"disks": [{"size": "1GiB", "boot": True}] * 2}, "at most one disk can be the boot disk"),
        (
            ScalingGroupSpec,
            {"name": "a", "min": 3, "max": 2, "template": {}},
            "are not in ascending order",
        ),
        (TargetSpec, {"instance": "i-1", "group": "g-1"}, "exactly one of instance, address and group"),
        (Listener, {"port": 443, "protocol": "https", "target_port": 80}, "has a certificate if, and only if"),
        (LoadBalancerSpec, {"name": "a", "listeners": []}, "at least 1 item"),
        (LoadBalancerSpec, {"name": "a", "listeners": [LISTENER, LISTENER]}, "two have the same port"),
        (HealthCheck, {"path": "/well"}, 'goes with protocol = "http"'),
        (HealthCheck, {"protocol": "http", "path": "well"}, 'starts with "/"'),
        (ScalingGroupSpec, {"name": "a", "max": 1, "template": {"zone": "z"}}, "give the group zones and a name"),
        (ScalingGroupSpec, {"name": "a", "max": 1, "template": {}, "policies": [STEP, STEP]}, "have the same name"),
        (StepPolicy, {"name": "a", "change": 0}, "a change of 0 changes nothing"),
        (StepPolicy, {"name": "a", "change": 1, "threshold": 80}, "give both or neither"),
        (ScheduledSize, {"cron": "0 8 * * *", "min": 2, "max": 1}, "are not in ascending order"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_reason(model, data, reason):
    assert any(reason in line for line in refusal(model, data))


def test_user_data_is_in_no_text_of_a_spec():
    assert "hunter2" not in repr(InstanceSpec(user_data="password: hunter2"))


def test_a_spec_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        InstanceSpec().zone = "a"
