"""What is not to be bought again for a while after a failure: as far as the error reaches, and for as long as it says."""

from __future__ import annotations

from typing import Final

from cloudlayer.errors import Avoid, AvoidScope, CapacityError, CloudLayerError, Conflict, QuotaError
from cloudlayer.resources import Offer

AVOID_SECONDS: Final = 60.0
"""For how long an offer is left out when its provider does not say."""


def avoid_after(error: CloudLayerError, offer: Offer) -> Avoid | None:
    """What `error`, met while buying by `offer`, says to leave out; None where it says nothing of what can be had.

    Where the provider names no `avoid`, a lack of capacity reaches as far as its scope. A quota counts over a region.
    """
    if isinstance(error, Conflict):
        return None
    told: Avoid | None = getattr(error, "avoid", None)
    if told is not None:
        return told
    region, zone = offer.region, offer.zone
    if isinstance(error, QuotaError) or (isinstance(error, CapacityError) and error.scope is AvoidScope.REGION):
        return Avoid(AVOID_SECONDS, offer.provider, region, None, offer.machine_type.name, offer.purchase)
    if isinstance(error, CapacityError) and error.scope is AvoidScope.MACHINE_TYPE:
        return Avoid(AVOID_SECONDS, offer.provider, None, None, offer.machine_type.name, offer.purchase)
    return Avoid(AVOID_SECONDS, offer.provider, region, zone, offer.machine_type.name, offer.purchase)
