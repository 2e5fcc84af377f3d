"""Mutants that break what writing and copying promise."""

import threading
import time
from dataclasses import replace

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.storage.objects import PLAIN, PutOptions
from tests.mutants.objects.base import breaks
from tests.mutants.objects.world import WorldStore


@breaks("put_tells_what_head_tells")
class TellsAnotherEtag(WorldStore):
    def put(self, key, data, options=PLAIN):
        return replace(super().put(key, data, options), etag="etag")


@breaks("put_tells_what_head_tells")
class TellsAnotherSum(WorldStore):
    def put(self, key, data, options=PLAIN):
        return replace(super().put(key, data, options), crc32c=1)


@breaks("bytes_of_every_kind_are_put")
class TakesBytesAlone(WorldStore):
    def put(self, key, data, options=PLAIN):
        if not isinstance(data, bytes):
            raise TypeError(f"{type(data)} are no bytes")
        return super().put(key, data, options)


@breaks("a_put_replaces_what_was_there")
class KeepsTheLonger(WorldStore):
    def put(self, key, data, options=PLAIN):
        if options is PLAIN and key in self.inner._bucket.objects:
            data = data + self.get(key)[len(data) :]
        return super().put(key, data, options)


@breaks("a_put_replaces_what_was_there")
class KeepsTheEtag(WorldStore):
    def head(self, key):
        return replace(super().head(key), etag="always")


@breaks("readers_see_one_object_or_the_other")
class PutsInTwoSteps(WorldStore):
    def put(self, key, data, options=PLAIN):
        super().put(key, data[:-1], options)
        time.sleep(0.001)
        return super().put(key, data, options)


@breaks("readers_see_one_object_or_the_other")
class DeletesBeforeItPuts(WorldStore):
    def put(self, key, data, options=PLAIN):
        self.inner.delete(key)
        time.sleep(0.001)
        return super().put(key, data, options)


@breaks("a_content_type_is_kept", "metadata_and_content_type_are_copied")
class KnowsTypesBetter(WorldStore):
    def put(self, key, data, options=PLAIN):
        return super().put(key, data, replace(options, content_type="application/octet-stream"))


@breaks("metadata_are_kept")
class CutsValues(WorldStore):
    def put(self, key, data, options=PLAIN):
        return super().put(
            key, data, replace(options, metadata={name: value[:255] for name, value in options.metadata.items()})
        )


@breaks("metadata_are_kept")
class ShowsItsOwnMetadata(WorldStore):
    def head(self, key):
        found = super().head(key)
        return replace(found, metadata={**found.metadata, "cloudlayer-crc32c": "AAAAAA=="})


@breaks("a_put_replaces_metadata_and_content_type_too", "a_put_replaces_tags_too")
class AddsToWhatIsKept(WorldStore):
    def put(self, key, data, options=PLAIN):
        kept = self.inner._bucket.objects.get(key)
        if kept is not None:
            options = replace(options, metadata={**kept.info.metadata, **options.metadata}, tags={**kept.tags, **options.tags})
        return super().put(key, data, options)


@breaks("metadata_that_not_every_store_keeps_are_refused")
class TakesAnyMetadata(WorldStore):
    def put(self, key, data, options=PLAIN):
        try:
            return super().put(key, data, options)
        except InvalidSpec:
            return super().put(key, data)


@breaks("metadata_that_not_every_store_keeps_are_refused")
class RefusesTooLate(WorldStore):
    def put(self, key, data, options=PLAIN):
        super().put(key, data)
        return super().put(key, data, options)


@breaks("what_is_deleted_is_gone")
class DeletesWhatBeginsLikeIt(WorldStore):
    def delete(self, key, *, if_match=None):
        for found in [found for found in self.inner._bucket.keys if found.startswith(key)]:
            super().delete(found)


@breaks("what_is_deleted_is_gone")
class DeletesOnce(WorldStore):
    def delete(self, key, *, if_match=None):
        self.head(key)
        super().delete(key, if_match=if_match)


@breaks("many_are_put_listed_and_deleted")
class DeletesAThousand(WorldStore):
    def delete_many(self, keys):
        return super().delete_many(keys[:1000])


@breaks("many_are_put_listed_and_deleted")
class ListsAPage(WorldStore):
    def list(self, prefix="", **asked):
        for page in super().list(prefix, **asked):
            yield page
            return


@breaks("many_are_put_listed_and_deleted")
class MissesWhatIsAbsent(WorldStore):
    def delete_many(self, keys):
        absent = {key: NotFound(key) for key in keys if key not in self.inner._bucket.objects}
        return {**super().delete_many(keys), **absent}


@breaks("deleting_none_is_no_error")
class NeedsAKey(WorldStore):
    def delete_many(self, keys):
        if not keys:
            raise InvalidSpec("no keys")
        return super().delete_many(keys)


@breaks("a_folder_goes_with_its_last_object")
class KeepsFolders(WorldStore):
    def delete(self, key, *, if_match=None):
        super().delete(key, if_match=if_match)
        self.inner.put(f"{key.rpartition('/')[0]}/", b"")


@breaks("a_large_object_is_put_in_one_piece")
class PutsSmallOnes(WorldStore):
    def put(self, key, data, options=PLAIN):
        return super().put(key, data[: 5 * 2**20], options)


@breaks("many_threads_put_and_get")
class IsForOneThread(WorldStore):
    last = threading.local()
    key = None

    def put(self, key, data, options=PLAIN):
        type(self).last_key = key
        return super().put(key, data, options)

    def get(self, key, **asked):
        time.sleep(0.001)
        return super().get(self.last_key, **asked)


IsForOneThread.key = WorldStore.key


@breaks("a_copy_has_the_same_bytes", "a_file_is_copied_and_moved_within_the_store")
class CopiesNothing(WorldStore):
    def copy(self, key, target, options=PLAIN, **asked):
        self.inner.copy(key, target, options, **asked)
        return self.inner.put(target, b"")


@breaks("metadata_and_content_type_are_copied", "the_store_copies_by_itself")
class CopiesBytesAlone(WorldStore):
    def copy(self, key, target, options=PLAIN, **asked):
        return self.put(target, self.get(key, **asked), options)


@breaks("a_copy_onto_itself_changes_nothing")
class EmptiesItself(WorldStore):
    def copy(self, key, target, options=PLAIN, **asked):
        if key == target:
            return self.put(key, self.get(key, **asked))
        return super().copy(key, target, options, **asked)


@breaks("a_copy_of_what_is_not_there_is_not_found")
class MakesRoomBeforeItCopies(WorldStore):
    def copy(self, key, target, options=PLAIN, **asked):
        self.inner.delete(target)
        return super().copy(key, target, options, **asked)


@breaks("a_copy_of_what_is_not_there_is_not_found")
class CopiesItselfUnseen(WorldStore):
    def copy(self, key, target, options=PLAIN, **asked):
        if key == target:
            return None
        return super().copy(key, target, options, **asked)


@breaks("a_copy_is_of_the_object_that_was_seen")
class CopiesWhatIsThereByNow(WorldStore):
    def copy(self, key, target, options=PLAIN, *, if_match=None):
        return super().copy(key, target, options)


@breaks("a_copy_may_be_refused_where_an_object_is")
class CopiesOverAll(WorldStore):
    def copy(self, key, target, options=PLAIN, **asked):
        return super().copy(key, target, PutOptions(), **asked)
