"""Mutants that break what uploads in parts promise."""

from contextlib import suppress
from dataclasses import replace

from cloudlayer.errors import IntegrityError, NotFound
from cloudlayer.storage.objects import PLAIN
from tests.mutants.objects.base import Wrapped, breaks
from tests.mutants.objects.world import WorldStore


class UploadsOtherwise(WorldStore):
    """Gives uploads of another kind, which knows its store."""

    kind = Wrapped

    def upload(self, key, options=PLAIN, *, size=None, resume=None):
        made = self.kind(super().upload(key, options, size=size, resume=resume))
        made.__dict__.update(store=self, key=key, options=options)
        return made


def uploads(kind):
    """A store whose uploads are of this kind."""
    return type(f"{kind.__name__}Store", (UploadsOtherwise,), {"kind": kind})


class ShowsParts(Wrapped):
    def part(self, number, data):
        self.inner.part(number, data)
        self.store.inner.put(self.key, data)


breaks("an_object_is_made_of_its_parts")(uploads(ShowsParts))
breaks("an_upload_replaces_what_was_there_when_it_is_completed")(type("ShowsPartsEarly", (uploads(ShowsParts),), {}))


class TellsAnotherSize(Wrapped):
    def complete(self, **said):
        return replace(self.inner.complete(**said), size=1)


breaks("an_object_is_made_of_its_parts")(uploads(TellsAnotherSize))


class TakesPartsAsTheyCome(Wrapped):
    def part(self, number, data):
        came = self.__dict__.setdefault("came", [])
        came.append(number)
        self.inner.part(len(came), data)


breaks("parts_may_come_at_once_and_in_any_order")(uploads(TakesPartsAsTheyCome))


class ForgetsWhatItIs(UploadsOtherwise):
    def upload(self, key, options=PLAIN, *, size=None, resume=None):
        return super().upload(key, replace(options, metadata={}, content_type=None), size=size, resume=resume)


breaks("an_upload_has_content_type_and_metadata")(ForgetsWhatItIs)


class BelievesItsParts(Wrapped):
    def complete(self, *, size, crc32c):
        with suppress(IntegrityError):
            return self.inner.complete(size=size, crc32c=crc32c)
        return self.inner.complete(size=size ^ 1, crc32c=crc32c)


breaks("an_upload_whose_sum_is_another_makes_no_object")(uploads(BelievesItsParts))


class MakesItAndComplains(Wrapped):
    def complete(self, *, size, crc32c):
        try:
            return self.inner.complete(size=size, crc32c=crc32c)
        except IntegrityError:
            self.store.inner.put(self.key, b"half")
            raise


breaks("an_upload_whose_sum_is_another_makes_no_object")(uploads(MakesItAndComplains))


class NeverAborts(Wrapped):
    def abort(self):
        """Goes on."""


breaks("an_upload_that_is_aborted_leaves_nothing")(uploads(NeverAborts))


class AbortsOnce(Wrapped):
    def abort(self):
        if self.__dict__.get("aborted"):
            raise NotFound("it is aborted")
        self.__dict__["aborted"] = True
        self.inner.abort()


breaks("an_upload_that_is_aborted_leaves_nothing")(uploads(AbortsOnce))


class UndoesWhatIsCompleted(Wrapped):
    def abort(self):
        self.inner.abort()
        self.store.inner.delete(self.key)


breaks("an_upload_that_is_aborted_leaves_nothing")(uploads(UndoesWhatIsCompleted))


@breaks("an_upload_is_resumed_by_somebody_else")
class BeginsAnew(WorldStore):
    def upload(self, key, options=PLAIN, *, size=None, resume=None):
        return super().upload(key, options, size=size)


class TellsNoSums(Wrapped):
    def have(self):
        return {}


breaks("an_upload_is_resumed_by_somebody_else")(uploads(TellsNoSums))


@breaks("an_upload_that_is_gone_cannot_be_resumed")
class ResumesTheDead(WorldStore):
    def upload(self, key, options=PLAIN, *, size=None, resume=None):
        try:
            return super().upload(key, options, size=size, resume=resume)
        except NotFound:
            return super().upload(key, options, size=size)


@breaks("uploads_that_were_left_are_told_and_discarded")
class TellsAllUploads(WorldStore):
    def uploads(self, prefix=""):
        yield from super().uploads()


@breaks("uploads_that_were_left_are_told_and_discarded")
class DiscardsNothing(WorldStore):
    def discard(self, upload):
        """Keeps it."""


class SharesItsParts(Wrapped):
    shared = {}  # noqa: RUF012  (that is the fault)

    def part(self, number, data):
        self.shared[self.key, number] = data
        self.inner.part(number, data)

    def complete(self, **said):
        parts = [part for (key, _), part in sorted(self.shared.items()) if key == self.key]
        self.inner.abort()
        return self.store.inner.put(self.key, b"".join(parts))


breaks("two_uploads_of_one_key_do_not_mix")(uploads(SharesItsParts))
