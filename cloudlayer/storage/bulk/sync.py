"""One tree into another: what differs is copied, what the source has no more is deleted if that is wanted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Final

from cloudlayer.errors import AuthError, Changed, CloudLayerError, NotFound
from cloudlayer.storage.bulk import crew
from cloudlayer.storage.bulk.contents import same_contents
from cloudlayer.storage.bulk.differences import Action, Step, Surplus, steps
from cloudlayer.storage.bulk.ears import DEAF, Ears
from cloudlayer.storage.bulk.globs import ALL, Globs
from cloudlayer.storage.bulk.report import Ledger, Report
from cloudlayer.storage.bulk.rm import delete_spooled
from cloudlayer.storage.bulk.seen import Seen
from cloudlayer.storage.bulk.spool import Names, Spool
from cloudlayer.storage.bulk.trees import Tree, check_apart
from cloudlayer.storage.moves import check_two_places, delete_moved
from cloudlayer.storage.objects import Fault, ObjectInfo
from cloudlayer.storage.transfers import copy_object


@dataclass(frozen=True)
class Wanted:
    """How a tree is brought into another.

    `delete`: what the source has not is deleted at the target. `checksum`: what seems the same is compared by content.
    `overwrite`: what is there is copied again, unless an earlier run of the same that broke off did so. `move`: what is copied
    is deleted at the source. `dry_run`: nothing is changed, but told.
    """

    delete: bool = False
    checksum: bool = False
    overwrite: bool = False
    move: bool = False
    dry_run: bool = False
    globs: Globs = ALL


UPDATE: Final = Wanted()


def sync(source: Tree, target: Tree, wanted: Wanted = UPDATE, ears: Ears = DEAF) -> Report:
    """Bring `source` into `target`. Objects that cannot be are in the report's failures, and the others go on.

    NotFound if the source has nothing, Conflict if both are one place and all is to be moved, and an error of one of the two
    lists, is raised; nothing is deleted then. A run that
    broke off, even by kill -9, goes on where it was when it is started again.
    """
    check_apart(source, target)
    source.check_there()
    if wanted.move and not wanted.dry_run:
        source.store.capabilities.require("put")
        check_two_places(source.store, source.prefix, target.store, target.prefix)
    with ExitStack() as stack:
        run = _Run(source, target, wanted, Ledger(ears), stack)
        crew.each(run.work(), run.do)
        run.end()
        return run.ledger.report


class _Run:
    """One run, with the files that it needs; `stack` closes them."""

    def __init__(self, source: Tree, target: Tree, wanted: Wanted, ledger: Ledger, stack: ExitStack) -> None:
        self.ledger = ledger
        self._source, self._target, self._wanted = source, target, wanted
        self._doomed = stack.enter_context(closing(Spool()))
        self._names = None if target.store.capabilities["case_sensitive"] else stack.enter_context(closing(Names()))
        self._seen = Seen("move" if wanted.move else "copy" if wanted.overwrite else "sync", source.uri, target.uri)
        stack.callback(self._seen.close)
        self._seen_lock = threading.Lock()
        self._faults: list[Fault] = []
        self._found = False

    def work(self) -> Iterator[Step]:
        """The steps that take time; those that do not are done on the way."""
        globs, wanted = self._wanted.globs, self._wanted
        source = self._source.objects(globs, self._met_at_source)
        target = self._target.objects(globs, self._met_at_target)
        pairs = self._seen.pairs()
        for step in steps(source, target, pairs, overwrite=wanted.overwrite, checksum=wanted.checksum):
            if isinstance(step, Surplus):
                self._surplus(step)
            elif self._takes_time(step):
                yield step

    def _takes_time(self, step: Step) -> bool:
        self._found = True
        if self._is_marker(step.name, step.source):
            self.ledger.count("markers")
            return False
        if self._names and (first := self._names.add(step.name)) != step.name:
            self.ledger.fail(
                self._source.uri + step.name, f"the target takes it and {first} for the same name: rename one of the two"
            )
            return False
        if step.action is not Action.KEEP or self._wanted.move:
            return True
        self._keep(step, step.target)
        return False

    def _surplus(self, surplus: Surplus) -> None:
        if self._wanted.delete:
            self._doomed.add(surplus.name, surplus.target)
        if not self._wanted.dry_run:
            with self._seen_lock:
                self._seen.forget(surplus.name)

    def _is_marker(self, name: str, info: ObjectInfo) -> bool:
        """Whether it is an empty object that stands for a folder, and the target has real ones."""
        is_folder = name.endswith("/") or not name
        return is_folder and info.size == 0 and not self._target.store.capabilities["any_key"]

    def do(self, step: Step) -> None:
        """Do what takes time. Without good credentials all of it ends; any other error is that of one object."""
        try:
            self._do(step)
        except AuthError:
            raise
        except CloudLayerError as error:
            self.ledger.fail(self._source.store.uri + step.source.key, error)

    def _do(self, step: Step) -> None:
        info, source, target = step.source, self._source.store, self._target.store
        if step.action is Action.COMPARE and step.target and same_contents(source, info, target, step.target):
            self._keep(step, step.target)
        elif self._wanted.dry_run:
            self.ledger.copied(step)
        elif step.action is not Action.KEEP:
            step = self._copy(step)
        if self._wanted.move and not self._wanted.dry_run and step.target:  # which it has once it is copied
            delete_moved(source, step.source, target, step.target)

    def _copy(self, step: Step) -> Step:
        """Copy; an object that is another one than the list told is looked at again, once. With what the target has then."""
        key, source, target = self._target.prefix + step.name, self._source.store, self._target.store
        try:
            copied = copy_object(source, step.source.key, target, key, info=step.source, progress=self.ledger.moved)
        except Changed:
            step = replace(step, source=source.head(step.source.key))
            copied = copy_object(source, step.source.key, target, key, info=step.source, progress=self.ledger.moved)
        self._note(step, copied)
        self.ledger.copied(step)
        return replace(step, target=copied)

    def _keep(self, step: Step, target: ObjectInfo | None) -> None:
        self.ledger.count("kept")
        if target and not step.known:
            self._note(step, target)

    def _note(self, step: Step, target: ObjectInfo) -> None:
        if not self._wanted.dry_run:
            with self._seen_lock:
                self._seen.add(step.name, step.source, target)

    def _met_at_source(self, fault: Fault) -> None:
        self._faults.append(fault)
        if not self._wanted.globs.excludes(fault.key):
            self.ledger.fail(self._source.uri + fault.key, f"{fault.reason}: not copied")

    def _met_at_target(self, fault: Fault) -> None:
        if (self._wanted.delete or fault.key.endswith("/")) and not self._wanted.globs.excludes(fault.key):
            self.ledger.fail(self._target.uri + fault.key, f"{fault.reason}: left as it is")

    def end(self) -> None:
        """What is done once all is copied."""
        if not (self._found or self._faults or self._source.may_be_empty()):
            meant = " that is meant" if self._wanted.globs != ALL else ""
            raise NotFound(f"{self._source.uri} has no object{meant}")
        if self._doomed.count:
            self._delete()
        if self._wanted.overwrite and not self._wanted.dry_run and not self.ledger.report.failed:
            self._seen.remove_files()

    def _delete(self) -> None:
        """Delete what the source has not, but for what it may have."""
        if any(fault.key.endswith("/") for fault in self._faults):
            self.ledger.fail(self._target.uri, "nothing was deleted: a folder of the source could not be read")
            return
        with closing(Spool()) as doomed:
            for name, info in self._doomed.items():
                if not self._may_be_at_source(name):
                    doomed.add(name, info)
            delete_spooled(self._target, doomed, self.ledger, dry_run=self._wanted.dry_run)

    def _may_be_at_source(self, name: str) -> bool:
        if self._names and self._names.first(name) is not None:
            return True
        return any(name == fault.key or name.startswith(f"{fault.key}/") for fault in self._faults)
