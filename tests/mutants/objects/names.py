"""Mutants that break what keys promise."""

import unicodedata
from urllib.parse import unquote

from cloudlayer.errors import AlreadyExists, Conflict, InvalidSpec
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.objects import PLAIN
from tests.mutants.objects.base import breaks
from tests.mutants.objects.world import WorldStore


class Spells(WorldStore):
    """Takes keys for other ones."""

    def spelt(self, key):
        return key

    def get(self, key, **asked):
        return super().get(self.spelt(key), **asked)

    def head(self, key):
        return super().head(self.spelt(key))

    def put(self, key, data, options=PLAIN):
        return super().put(self.spelt(key), data, options)

    def delete(self, key, *, if_match=None):
        super().delete(self.spelt(key), if_match=if_match)


@breaks("a_key_is_taken_literally")
class Decodes(Spells):
    def spelt(self, key):
        return unquote(key)


@breaks("a_key_is_taken_literally")
class Strips(Spells):
    def spelt(self, key):
        return key.strip()


@breaks("a_key_is_taken_literally")
class CutsFragments(Spells):
    def spelt(self, key):
        return key.partition("#")[0]


@breaks("keys_that_look_alike_are_different_objects")
class Normalises(Spells):
    def spelt(self, key):
        return unicodedata.normalize("NFC", key)


@breaks("keys_that_look_alike_are_different_objects")
class TakesPlusForASpace(Spells):
    def spelt(self, key):
        return key.replace("+", " ")


@breaks("keys_that_differ_in_case_are_different_objects")
class FoldsCase(Spells):
    def spelt(self, key):
        return key.lower()


@breaks("a_key_need_not_be_a_path")
class JoinsSlashes(Spells):
    def spelt(self, key):
        return "/".join(part for part in key.split("/") if part not in ("", "."))


@breaks("a_name_may_be_an_object_and_a_folder")
class HasOneOfThem(WorldStore):
    lacking = ("key_is_no_folder",)

    def __init__(self, authority, settings):
        super().__init__(authority, settings)
        self.capabilities = declare(self.uri)


@breaks("a_name_that_cannot_be_both_is_a_conflict")
class HasBothAllTheSame(WorldStore):
    lacking, lies = ("key_is_no_folder",), True


@breaks("a_name_that_cannot_be_both_is_a_conflict")
class SaysThatItIsThere(WorldStore):
    lacking = ("key_is_no_folder",)

    def put(self, key, data, options=PLAIN):
        try:
            return super().put(key, data, options)
        except Conflict as error:
            raise AlreadyExists(error.message, provider=self.uri) from None


@breaks("a_key_that_would_be_another_ones_path_is_refused")
class TakesItAllTheSame(WorldStore):
    lacking, lies = ("any_key",), True


@breaks("a_key_that_would_be_another_ones_path_is_refused")
class ReadsTheOther(JoinsSlashes):
    lacking = ("any_key",)

    def put(self, key, data, options=PLAIN):
        return WorldStore.put(self, key, data, options)


@breaks("a_key_may_have_1024_bytes")
class Has1000Bytes(WorldStore):
    def put(self, key, data, options=PLAIN):
        if len(key.encode()) > 1000:
            raise InvalidSpec("too long")
        return super().put(key, data, options)


@breaks("what_is_no_key_is_refused")
class CutsLongKeys(WorldStore):
    def key(self, *keys):
        """Takes them all."""

    def put(self, key, data, options=PLAIN):
        return self.inner.put(key[:500] or "empty", data, options)


@breaks("what_is_no_key_is_refused")
class FindsNoEmptyKey(WorldStore):
    def head(self, key):
        return super().head(key or "empty")
