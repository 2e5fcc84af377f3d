"""Models that replicas read: fetched to a machine once, verified, shared by all replicas there.

store ─▶ CACHE/models/files/ID ─▶ on a machine that is not this one, the same below REMOTE
                │
                └─▶ CACHE/models/sets/ID/NAME, hard links: what one version's replicas see, so the page cache is one for all

What no version and no replica reads any more goes a day later; see `unused`.
"""

from __future__ import annotations

from cloudlayer.runtime.models.kept import models_folder
from cloudlayer.runtime.models.shipped import REMOTE, models_on
from cloudlayer.runtime.models.unused import remove_unused, remove_unused_on

__all__ = ["REMOTE", "models_folder", "models_on", "remove_unused", "remove_unused_on"]
