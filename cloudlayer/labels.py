"""The labels that say whose a thing is. Their names and values are such that every cloud takes them as they are."""

from __future__ import annotations

from typing import Final

OWNER: Final = "cloudlayer-owner"
"""The random id of the store that made the thing. `sweep` acts on its own owner's things alone."""
FLEET: Final = "cloudlayer-fleet"
"""The fleet that the thing belongs to."""
TOKEN: Final = "cloudlayer-token"  # noqa: S105  (a label's name)
"""The attempt that made the thing; set by the provider at creation."""
SPEC: Final = "cloudlayer-spec"
"""A fingerprint of what was asked for under the token, where the cloud itself does not hold the two together."""
MACHINE: Final = "cloudlayer-machine"
"""The machine that a replica runs on; set by the engine at the start."""
