"""Many objects deleted, in as few requests as their store allows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from cloudlayer.errors import AuthError, InvalidSpec
from cloudlayer.storage.bulk import crew
from cloudlayer.storage.bulk.ears import DEAF, Ears
from cloudlayer.storage.bulk.globs import ALL, Globs
from cloudlayer.storage.bulk.report import Ledger, Report
from cloudlayer.storage.bulk.spool import Spool
from cloudlayer.storage.bulk.trees import Tree
from cloudlayer.storage.objects import Fault

_BATCH = 1000
_AT_ONCE = 4


def delete_tree(tree: Tree, globs: Globs = ALL, ears: Ears = DEAF, *, dry_run: bool = False) -> Report:
    """Delete every object of a tree, once `ears.agree` has seen them all. What cannot be is in the report's failures.

    One that broke off is started again: what is left is deleted then. InvalidSpec as `check_deletable`.
    """
    check_deletable(tree, globs)
    ledger = Ledger(ears)

    def met(fault: Fault) -> None:
        if not globs.excludes(fault.key):
            ledger.fail(tree.uri + fault.key, f"{fault.reason}: not deleted")

    with closing(Spool()) as doomed:
        for name, info in tree.objects(globs, met):
            doomed.add(name, info)
        delete_spooled(tree, doomed, ledger, dry_run=dry_run)
    return ledger.report


def check_deletable(tree: Tree, globs: Globs) -> None:
    """InvalidSpec for the whole of a store, which nobody deletes in passing."""
    if not tree.prefix and not globs.include:
        raise InvalidSpec(f"{tree.uri} is a whole store: name a folder of it, or by include what is to be deleted")


def delete_spooled(tree: Tree, doomed: Spool, ledger: Ledger, *, dry_run: bool = False) -> None:
    """Delete the objects that are spooled, if whoever listens agrees."""
    if doomed.count == 0 or not ledger.ears.agree(doomed.count, doomed.items()):
        return
    if dry_run:
        ledger.count("deleted", doomed.count)
        return

    def delete(keys: list[str]) -> None:
        errors = tree.store.delete_many(keys)
        for key, error in errors.items():
            if isinstance(error, AuthError):
                raise error
            ledger.fail(tree.store.uri + key, error)
        ledger.count("deleted", len(keys) - len(errors))

    crew.each(_batches(doomed), delete, workers=_AT_ONCE)


def _batches(doomed: Spool) -> Iterator[list[str]]:
    keys = (info.key for _, info in doomed.items())
    while batch := list(islice(keys, _BATCH)):
        yield batch
