"""What a spec needs is refused, with the declared reason, where it is missing, and nothing else is."""

import pytest

from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.interfaces import Capabilities, Capability
from cloudlayer.providers.base.autoscaling import checked_size, require_group
from cloudlayer.providers.base.load_balancing import require_balancer, require_targets
from cloudlayer.providers.base.storage import require_share, require_volume
from cloudlayer.resources import (
    LoadBalancerSpec,
    ScalingGroup,
    ScalingGroupSpec,
    ScalingGroupState,
    ShareSpec,
    TargetSpec,
    VolumeSpec,
)

FLAGS = (
    *(
        "on_demand",
        "spot",
        "labels",
        "group_zones",
        "group_machine_types",
        "group_balancer",
        "group_target_tracking",
        "group_step",
    ),
    *("group_step_metric", "group_scheduled", "balancer_tcp", "balancer_http", "balancer_https", "balancer_http_check"),
    *("balancer_public", "balancer_instances", "balancer_addresses", "balancer_groups", "volume_types", "volume_speeds"),
    *("volume_snapshots", "shares", "share_nfs", "share_smb"),
)
REASON = "the moon is in the wrong house"
TEMPLATE = {"machine_type": "small"}
STEP = {"kind": "step", "name": "up", "change": 1}


def without(flag):
    items = {name: Capability(name != flag, REASON if name == flag else "") for name in FLAGS}
    return Capabilities("cloud", items)


def group(**fields):
    return ScalingGroupSpec(name="web", template=TEMPLATE, max=3, **fields)


def balancer(protocol="tcp", **fields):
    certificate = "c" if protocol == "https" else None
    return LoadBalancerSpec(
        name="web", listeners=[{"port": 80, "protocol": protocol, "target_port": 80, "certificate": certificate}], **fields
    )


ASKING = {
    "group_zones": lambda can: require_group(group(zones=["a"]), can),
    "group_machine_types": lambda can: require_group(group(machine_types=["large"]), can),
    "group_balancer": lambda can: require_group(group(balancer="lb-1"), can),
    "group_target_tracking": lambda can: require_group(
        group(policies=[{"kind": "target_tracking", "metric": "cpu_percent", "target": 50}]), can
    ),
    "group_step": lambda can: require_group(group(policies=[STEP]), can),
    "group_step_metric": lambda can: require_group(group(policies=[{**STEP, "metric": "cpu_percent", "threshold": 80}]), can),
    "group_scheduled": lambda can: require_group(
        group(policies=[{"kind": "scheduled", "cron": "0 8 * * *", "min": 0, "max": 2}]), can
    ),
    "on_demand": lambda can: require_group(group(), can),
    "balancer_tcp": lambda can: require_balancer(balancer(), can),
    "balancer_http": lambda can: require_balancer(balancer("http"), can),
    "balancer_https": lambda can: require_balancer(balancer("https"), can),
    "balancer_http_check": lambda can: require_balancer(balancer(health_check={"protocol": "http", "path": "/"}), can),
    "balancer_public": lambda can: require_balancer(balancer(public=True), can),
    "balancer_instances": lambda can: require_balancer(balancer(targets=[{"instance": "i-1"}]), can),
    "balancer_addresses": lambda can: require_targets([TargetSpec(address="10.0.0.1")], can),
    "balancer_groups": lambda can: require_targets([TargetSpec(group="g-1")], can),
    "volume_types": lambda can: require_volume(VolumeSpec(size="1GiB", type="fast"), can),
    "volume_speeds": lambda can: require_volume(VolumeSpec(size="1GiB", iops=3000), can),
    "volume_snapshots": lambda can: require_volume(VolumeSpec(size="1GiB", snapshot="s-1"), can),
    "shares": lambda can: require_share(ShareSpec(size="1GiB"), can),
    "share_nfs": lambda can: require_share(ShareSpec(size="1GiB"), can),
    "share_smb": lambda can: require_share(ShareSpec(size="1GiB", protocol="smb"), can),
}


@pytest.mark.parametrize("flag", ASKING)
def test_what_is_missing_is_refused_with_its_reason_and_what_is_there_is_not(flag):
    with pytest.raises(Unsupported, match=REASON) as caught:
        ASKING[flag](without(flag))
    assert flag.replace("_", " ") in str(caught.value)
    ASKING[flag](without(None))


@pytest.mark.parametrize(("size", "good"), [(1, False), (2, True), (4, True), (5, False)])
def test_a_size_is_within_the_groups_bounds(size, good):
    found = ScalingGroup("g-1", "cloud", "here", ScalingGroupState.ACTIVE, "web", min=2, max=4, desired=2)
    if good:
        assert checked_size(found, size) == size
    else:
        with pytest.raises(InvalidSpec, match="2 to 4"):
            checked_size(found, size)
