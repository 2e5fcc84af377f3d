"""Codes of refusals that a driver acts on: as answers have them, and as operations have them."""

from __future__ import annotations

from typing import Final

NOT_READY: Final = ("resourceNotReady", "RESOURCE_NOT_READY")
"""What is being made, changed or deleted takes no other change meanwhile, and can be named by nothing."""
EXISTS: Final = ("alreadyExists", "RESOURCE_ALREADY_EXISTS")
"""The name is taken: by an earlier try, where it follows from a token."""
IN_USE: Final = ("resourceInUseByAnotherResource", "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "resourceInUse", "RESOURCE_IN_USE")
"""Something else names it, so it cannot be deleted."""
STALE: Final = ("conditionNotMet", "CONDITION_NOT_MET")
"""Somebody else changed it since it was read."""
