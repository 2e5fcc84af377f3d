"""Mutants that break what signed URLs and tags promise."""

import time
from contextlib import suppress
from urllib.parse import quote

from cloudlayer.errors import InvalidSpec, NotFound
from tests.mutants.objects.base import breaks
from tests.mutants.objects.world import WorldStore, signed


@breaks("a_signed_url_reads_the_object")
class SignsPlainNames(WorldStore):
    def sign(self, key, method, expires):
        return super().sign(key, method, expires).replace(quote(key), quote(key.split(" ", maxsplit=1)[0]))


@breaks("a_signed_url_is_for_one_object_and_method")
class SignsEverything(WorldStore):
    def sign(self, key, method, expires):
        return super().sign(key, "PUT", expires)


@breaks("a_signed_url_writes_the_object")
class SignsReadingAlone(WorldStore):
    def sign(self, key, method, expires):
        return super().sign(key, "GET", expires)


@breaks("a_signed_url_ends")
class SignsForGood(WorldStore):
    def sign(self, key, method, expires):
        return super().sign(key, method, expires + 1e6)


@breaks("a_url_for_no_time_is_refused")
class SignsForNoTime(WorldStore):
    def sign(self, key, method, expires):
        return signed(self._authority, key, method, time.time() + expires)


@breaks("tags_are_replaced_without_the_object")
class AddsTags(WorldStore):
    def set_tags(self, key, tags):
        super().set_tags(key, {**self.tags(key), **tags})


@breaks("tags_are_replaced_without_the_object")
class WritesAnew(WorldStore):
    def set_tags(self, key, tags):
        self.put(key, b"")
        super().set_tags(key, tags)


@breaks("a_tag_may_be_empty")
class LosesEmptyTags(WorldStore):
    def set_tags(self, key, tags):
        super().set_tags(key, {name: value for name, value in tags.items() if value})


@breaks("tags_of_what_is_not_there_are_not_found")
class TagsNothing(WorldStore):
    def set_tags(self, key, tags):
        with suppress(NotFound, InvalidSpec):
            super().set_tags(key, tags)
