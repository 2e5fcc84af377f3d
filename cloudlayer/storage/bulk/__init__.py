"""Many objects: one tree into another, and trees deleted.

two ordered lists + journal ─▶ steps ─▶ threads ─▶ transfers ─▶ journal     flat memory, whatever the number of objects
                                 │
                                 └─ what is to be deleted ─▶ shown, agreed to, deleted last
"""

from __future__ import annotations

from cloudlayer.storage.bulk.differences import Action, Step
from cloudlayer.storage.bulk.ears import Ears
from cloudlayer.storage.bulk.globs import ALL, Globs
from cloudlayer.storage.bulk.report import Failure, Report
from cloudlayer.storage.bulk.rm import check_deletable, delete_tree
from cloudlayer.storage.bulk.sync import Wanted, sync
from cloudlayer.storage.bulk.trees import Tree

__all__ = [
    "ALL",
    "Action",
    "Ears",
    "Failure",
    "Globs",
    "Report",
    "Step",
    "Tree",
    "Wanted",
    "check_deletable",
    "delete_tree",
    "sync",
]
