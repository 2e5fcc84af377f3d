"""What Azure can do through cloudlayer, by the capabilities' names."""

from __future__ import annotations

from typing import Final

from cloudlayer.interfaces import Capabilities, Capability

_NO_PROCESSES: Final = Capability(False, 'the process engine works on this host alone; name engine = "docker"')
_COMPUTE: Final = (
    *("on_demand", "spot", "idempotent_create", "batch_create", "user_data", "disks", "public_address"),
    *("open_ports", "stop_start", "reboot", "resize", "console_log", "images", "labels", "prices"),
)
_NO_RESERVATIONS: Final = Capability(
    False,
    "capacity reservations came to Azure after the API version that is spoken here (2021-03-01): use on_demand, or "
    "reserved instances, a discount that applies by itself to machines bought on demand",
)
_ONE_TYPE: Final = Capability(
    False,
    "a scale set has one size in the API version that is spoken here (2021-03-01): give the template another machine_type, or "
    "make a group for each and put them behind one balancer",
)
_TCP_ALONE: Final = Capability(
    False,
    'Azure\'s Standard Load Balancer passes TCP on and reads no HTTP: use a tcp listener, with health_check.protocol = "http" '
    "where targets are to be asked by HTTP, and end TLS at the targets",
)
_NOT_LIVE: Final = Capability(
    False,
    "Azure grows disks of running machines from version 2021-04-01 of its disks' API on, and 2020-12-01 is spoken here: detach "
    "the volume, or stop its machine, and grow it then",
)
_NO_EXPIRY: Final = Capability(
    False,
    "Azure goes on to bill a machine that shuts itself down, until it is deallocated from outside: `cloudlayer sweep` deletes "
    "what is left",
)
_AUTOSCALING: Final = (
    *("autoscaling", "group_zones", "group_machine_types", "group_target_tracking", "group_step", "group_step_metric"),
    *("group_scheduled", "group_balancer", "group_replace"),
)
_LOAD_BALANCING: Final = (
    *("load_balancing", "balancer_tcp", "balancer_http", "balancer_https", "balancer_instances", "balancer_addresses"),
    *("balancer_groups", "balancer_health", "balancer_http_check", "balancer_public"),
)
_STORAGE: Final = (
    *("volumes", "volume_types", "volume_speeds", "volume_grow", "volume_grow_attached", "volume_snapshots"),
    *("snapshots_outlive_volumes", "shares", "share_nfs", "share_smb"),
)

CAPABILITIES: Final = Capabilities(
    "azure",
    {
        **dict.fromkeys((*_COMPUTE, *_AUTOSCALING, *_LOAD_BALANCING, *_STORAGE), Capability(True)),
        "reserved": _NO_RESERVATIONS,
        "group_machine_types": _ONE_TYPE,
        **dict.fromkeys(("balancer_http", "balancer_https"), _TCP_ALONE),
        "volume_grow_attached": _NOT_LIVE,
        "engine:process": _NO_PROCESSES,
        "engine:docker": Capability(True),
        "expiry": _NO_EXPIRY,
    },
)
