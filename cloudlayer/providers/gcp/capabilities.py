"""What Google Cloud can do by this driver, a list for each interface."""

from __future__ import annotations

from typing import Final

from cloudlayer.interfaces import Capabilities, Capability

_NO_PROCESSES: Final = Capability(False, 'the process engine works on this host alone; name engine = "docker"')

COMPUTE: Final = (
    *("on_demand", "spot", "reserved", "idempotent_create", "batch_create", "user_data", "disks", "public_address"),
    *("open_ports", "stop_start", "reboot", "resize", "console_log", "images", "labels", "prices"),
)
AUTOSCALING: Final = (
    *("autoscaling", "group_zones", "group_machine_types", "group_target_tracking", "group_step"),
    *("group_scheduled", "group_balancer", "group_replace"),
)
LOAD_BALANCING: Final = (
    *("load_balancing", "balancer_tcp", "balancer_http", "balancer_https", "balancer_instances", "balancer_addresses"),
    *("balancer_groups", "balancer_health", "balancer_http_check", "balancer_public"),
)
STORAGE: Final = (
    *("volumes", "volume_types", "volume_speeds", "volume_grow", "volume_grow_attached", "volume_snapshots"),
    "snapshots_outlive_volumes",
)

_NO_SHARES: Final = Capability(
    False, "Filestore has no client here; attach a volume to one machine, or keep objects in Cloud Storage"
)
_NO_ALARMS: Final = Capability(
    False,
    "Google's autoscaler keeps a metric at a target and takes no steps: use a target_tracking policy, or execute a step "
    "without a metric when it is time",
)
_NO_EXPIRY: Final = Capability(
    False,
    "Google keeps an instance that shuts itself down, stopped and with its disk to be paid for; the term after which it would "
    "delete one (maxRunDuration) cannot be put off while it runs: `cloudlayer sweep` deletes what is left",
)
MISSING: Final = {
    "group_step_metric": _NO_ALARMS,
    **dict.fromkeys(("shares", "share_nfs", "share_smb"), _NO_SHARES),
    "engine:process": _NO_PROCESSES,
    "engine:docker": Capability(True),
    "expiry": _NO_EXPIRY,
}

CAPABILITIES: Final = Capabilities(
    "gcp", {**dict.fromkeys((*COMPUTE, *AUTOSCALING, *LOAD_BALANCING, *STORAGE), Capability(True)), **MISSING}
)
