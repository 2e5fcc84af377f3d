"""What a fleet's machines are bought with, besides what the plan says: user data, an image, an opening for SSH.

What the manifest says of it is put down with the intent, so that a create that is repeated asks for the very same.
"""

from __future__ import annotations

from typing import Any, Final

from cloudlayer.fleet.keys import Keys
from cloudlayer.fleet.store import MachineRow
from cloudlayer.functions.machines import Jump
from cloudlayer.functions.manifest import FleetSection
from cloudlayer.interfaces import Access, Provider
from cloudlayer.resources import InstanceSpec, Offer, PortRule
from cloudlayer.runtime.bootstrap import Boot, user_data
from cloudlayer.scheduler.fit import region_of

SSH: Final = PortRule(port=22, source="0.0.0.0/0")
"""The one opening, from anywhere: whoever comes in there has the fleet's key."""
_BOOT: Final = "boot"


def settings(fleet: FleetSection, offer: Offer) -> dict[str, Any]:
    """What the manifest says of a machine bought by the offer, for its row: what is not said is left out."""
    access = fleet.access
    found = {
        "image": image_for(fleet, offer),
        "overrides": _of(fleet.overrides, offer),
        "expiry": fleet.expiry,
        "networks": list(access.networks),
        "jump": [jump.model_dump(mode="json") for jump in access.jump],
        "private": not access.public,
    }
    said = {name: value for name, value in found.items() if value}
    return {_BOOT: said} if said else {}


def image_for(fleet: FleetSection, offer: Offer) -> str | None:
    """The image that the manifest names for a machine bought by the offer; None where its cloud chooses."""
    named = _of(fleet.images.gpu if offer.machine_type.accelerators else fleet.images.plain, offer)
    return str(named) if named else None


def image_of(row: MachineRow) -> str | None:
    """The image that the manifest named when the machine was bought."""
    found = row.spec.get(_BOOT, {}).get("image")
    return str(found) if found else None


def _of(named: dict[str, Any], offer: Offer) -> Any:
    """What is named for an offer's region, else for its provider."""
    return named.get(region_of(offer), named.get(offer.provider))


def boots(provider: Provider) -> bool:
    """Whether the provider's machines are bare, and become ours by user data."""
    can = provider.capabilities
    return provider.keeps_machines and bool(can["user_data"]) and bool(can["engine:docker"])


def takes_images(provider: Provider) -> bool:
    """Whether the provider's machines boot anew, from an image that may be named; those of others run what they run already."""
    return bool(provider.capabilities["user_data"])


def completed(spec: InstanceSpec, row: MachineRow, provider: Provider, keys: Keys) -> InstanceSpec:
    """The spec of a fleet's machine with all that makes it ours; the same for all of a batch, and each time."""
    said, can = row.spec.get(_BOOT, {}), provider.capabilities
    host, expiry = keys.boot(row.batch), said.get("expiry")
    boot = Boot(keys.public(), host.private, host.public, tuple(said.get("networks", ())), expiry)
    return spec.model_copy(
        update={
            "user_data": user_data(boot),
            "image": said.get("image"),
            "overrides": said.get("overrides", {}),
            # Where a driver has no say in these, the cloud's own default holds.
            "public_address": not said.get("private") and bool(can["public_address"]),
            "open_ports": (SSH,) if can["open_ports"] else (),
            "delete_on_shutdown": expiry is not None and bool(can["expiry"]),
        }
    )


def expiry_of(row: MachineRow) -> float | None:
    """Seconds after which the machine ends itself unless it is asked for; None if it does not."""
    found = row.spec.get(_BOOT, {}).get("expiry")
    return None if found is None else float(found)


def jumps(row: MachineRow) -> tuple[Access, ...]:
    """The hosts on the way to the machine, nearest first."""
    said = [Jump.model_validate(one) for one in row.spec.get(_BOOT, {}).get("jump", ())]
    return tuple(Access(one.address, one.port, one.user, one.key_file, one.host_keys) for one in said)
