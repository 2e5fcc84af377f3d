"""What the location has room for, and what the subscription may have.

How a lack of capacity comes (the call is accepted, the operation fails) and what the errors say is after Azure's
documentation of allocation failures and of quotas; no schema has it and no recording.
"""

from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.sizes import SIZES

REASONS = {
    "AllocationFailed": "Allocation failed. We do not have sufficient capacity for the requested VM size in this region.",
    "ZonalAllocationFailed": "Allocation failed. We do not have sufficient capacity for the requested VM size in this zone.",
    "OverconstrainedAllocationRequest": "Allocation failed. VM(s) with the following constraints cannot be allocated.",
    "OverconstrainedZonalAllocationRequest": "Allocation failed. VM(s) with the following constraints cannot be allocated.",
}


def allocate(cloud, zones):
    """Take room for one new machine, or raise Azure's refusal."""
    refuse_full(cloud, zones)
    if cloud.options.room is not None:
        cloud.options.room -= 1
    cloud.launched += 1


def refuse_full(cloud, zones):
    """Raise Azure's refusal where there is no room for another machine."""
    if cloud.options.room is None or cloud.options.room > 0:
        return
    kind = "ZonalAllocation" if zones else "Allocation"
    code = f"Overconstrained{kind}Request" if cloud.options.overconstrained else f"{kind}Failed"
    raise Refusal(code, REASONS[code])


def checked_size(cloud, name, location, zones):
    """The size, if it may be had there: SkuNotAvailable where the subscription is kept from it."""
    size = SIZES.get((name or "").lower())
    if size is None:
        raise Refusal("InvalidParameter", f"The value {name} provided for the VM size is not valid.", target="vmSize")
    barred = cloud.options.restricted.get(size.name)
    absent = set(zones or ()) - set(size.zones)
    if absent or (barred is not None and (not barred or set(zones or ()) & set(barred))):
        raise Refusal(
            "SkuNotAvailable",
            f"The requested size for resource is currently not available in location '{location}' zones "
            f"'{','.join(zones or ())}' for subscription '{cloud.subscription}'.",
        )
    return size
