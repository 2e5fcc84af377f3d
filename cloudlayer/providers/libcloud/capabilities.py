"""What a driver can do, read from what its class really has: methods of its own in the place of the base class's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from libcloud.compute.base import NodeDriver
from libcloud.loadbalancer.base import Driver as BalancerDriver

from cloudlayer.interfaces import Capability
from cloudlayer.providers.libcloud import drivers
from cloudlayer.providers.libcloud.adapters import Adapter
from cloudlayer.providers.libcloud.launches import PUBLIC_ADDRESS, USER_DATA

_THERE: Final = Capability(True)

_NEVER: Final[Mapping[str, str]] = {
    "spot": 'libcloud\'s base interface buys on demand alone; use purchase = "on_demand"',
    "reserved": 'libcloud\'s base interface buys on demand alone; use purchase = "on_demand"',
    "disks": "libcloud makes no disks with an instance; make volumes and attach them",
    "open_ports": "libcloud's base interface has no firewalls; name security groups in overrides, where there are any",
    "volume_types": "libcloud's base interface has none; name one in overrides, where the driver has any",
    "volume_speeds": "libcloud's base interface has none; name them in overrides, where the driver has any",
    "volume_grow": "libcloud's base interface grows no volumes; make a larger one from a snapshot",
    "volume_grow_attached": "libcloud's base interface grows no volumes; make a larger one from a snapshot",
    "balancer_https": "libcloud's base interface takes no certificates; use tcp, and let the targets speak TLS",
    "balancer_groups": "libcloud has no scaling groups; register instances or addresses",
    "balancer_health": "libcloud's members tell no health: each is listed as unknown",
    "balancer_http_check": "libcloud's base interface sets no health checks; the cloud's own default holds",
    "balancer_public": "libcloud's base interface does not say where a balancer is reached from: the cloud's own default holds",
    **dict.fromkeys(("shares", "share_nfs", "share_smb"), "libcloud has no shares; use a volume"),
    "expiry": "libcloud cannot say what becomes of an instance that shuts itself down; `cloudlayer sweep` deletes what is left",
    "engine:process": 'the process engine works on this host alone; name engine = "docker"',
    **dict.fromkeys(
        (
            *("autoscaling", "group_zones", "group_machine_types", "group_target_tracking", "group_step"),
            *("group_step_metric", "group_scheduled", "group_balancer", "group_replace"),
        ),
        "libcloud has no scaling groups; create instances, or use the cloud's own provider",
    ),
}
"""What Libcloud's base interface has for no driver, with what to use in its place."""

_NO_LABELS: Final = (
    "this driver has nowhere to keep labels: what it makes is found again by its name alone, and neither a fleet nor `sweep` "
    "could tell it from others'; leave labels out, and delete by id"
)
_NO_TOKENS: Final = (
    "this driver has no tokens: two creates at once in two processes may both make one, and the token of what is deleted "
    "may make another; create from one process, and make a new token for each"
)
_NO_PRICES: Final = "this driver tells no prices, or not in which unit; give the option prices, the path of a price file"


def declared(
    name: str, driver: type[Any], balancers: type[Any] | None, adapter: Adapter, *, prices: bool
) -> dict[str, Capability]:
    """Capabilities by name; `name` is Libcloud's of the driver. `prices` tells that there is a price file."""
    has = _having(driver, NodeDriver)
    made = set(drivers.parameters(driver, "create_node"))
    found = {name: Capability(False, reason) for name, reason in _NEVER.items()}
    found["batch_create"] = _THERE
    found |= _told(
        {
            "on_demand": (
                has("list_sizes", "create_node") and made >= {"name", "size", "image"},
                "this driver does not make instances of a size and an image under a name; use the cloud's own tools",
            ),
            "idempotent_create": (bool(adapter.token) or adapter.alone, _NO_TOKENS),
            "labels": (adapter.kept is not None, _NO_LABELS),
            "prices": (prices or adapter.money is not None, _NO_PRICES),
            "images": (has("list_images"), "this driver lists no images; name one by its id"),
            "stop_start": (has("start_node", "stop_node"), "this driver has no start_node and stop_node; delete and create"),
            "reboot": (has("reboot_node"), "this driver has no reboot_node; reboot by SSH"),
            "resize": (adapter.resize is not None, "libcloud's base interface resizes nothing; create another instance"),
            "console_log": (adapter.console is not None, "libcloud's base interface reads no consoles; use the cloud's own"),
            "user_data": (
                not made.isdisjoint(USER_DATA),
                "this driver's create_node takes no user data; use an image",
            ),
            "engine:docker": (
                not made.isdisjoint(USER_DATA) and adapter.kept is not None,
                "a fleet's machines are set up by user data and told by their labels, and this driver has not both; list them "
                "in an inventory, and use the provider ssh",
            ),
            "public_address": (
                PUBLIC_ADDRESS in made and adapter.wire,
                "this driver does not say whether an instance has a public address: the cloud's own default holds",
            ),
        }
    )
    return {**found, **_told(_volumes(has, adapter)), **_told(_balancers(name, balancers))}


def _volumes(has: Callable[..., bool], adapter: Adapter) -> dict[str, tuple[bool, str]]:
    volumes = has("create_volume", "destroy_volume", "list_volumes", "attach_volume", "detach_volume")
    snapshots = has("create_volume_snapshot", "list_volume_snapshots", "destroy_volume_snapshot")
    listed = adapter.snapshots is not None
    return {
        "volumes": (volumes, "this driver cannot make, list, attach and delete volumes; use the cloud's own tools"),
        "volume_snapshots": (
            volumes and snapshots,
            "this driver cannot make, list and delete snapshots of volumes; use the cloud's own tools",
        ),
        "snapshots_outlive_volumes": (
            volumes and snapshots and listed,
            "this driver lists snapshots by their volumes, so that those of a deleted one are lost; delete them first",
        ),
    }


def _balancers(name: str, driver: type[Any] | None) -> dict[str, tuple[bool, str]]:
    needed = ("create_balancer", "destroy_balancer", "list_balancers", "balancer_detach_member", "balancer_list_members")
    whole = driver is not None and _having(driver, BalancerDriver)(*needed)
    addresses = whole and driver is not None and _having(driver, BalancerDriver)("balancer_attach_member")
    spoken = drivers.protocols(driver) if whole and driver is not None else ()
    mend = "use the cloud's own provider, or its own tools"
    why = f"libcloud has no balancer driver for {name}: {mend}"
    if driver is not None:
        why = f"libcloud's balancer driver for {name} cannot make, list and delete balancers and their members: {mend}"
    by_address = "this driver's balancers take instances alone; register those"
    return {
        "load_balancing": (whole, why),
        "balancer_tcp": ("tcp" in spoken, "this driver's balancers speak no tcp; use http" if whole else why),
        "balancer_http": ("http" in spoken, "this driver's balancers speak no http; use tcp" if whole else why),
        "balancer_instances": (whole, why),
        "balancer_addresses": (addresses, by_address if whole else why),
    }


def _told(found: Mapping[str, tuple[bool, str]]) -> dict[str, Capability]:
    return {name: _THERE if there else Capability(False, reason) for name, (there, reason) in found.items()}


def _having(driver: type[Any], base: type[Any]) -> Callable[..., bool]:
    return lambda *methods: all(drivers.overrides(driver, base, method) for method in methods)
