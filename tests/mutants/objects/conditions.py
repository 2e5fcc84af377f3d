"""Mutants that break what conditions promise."""

import time
from contextlib import suppress
from dataclasses import replace

from cloudlayer.errors import AlreadyExists, Changed, Conflict, InvalidSpec, NotFound
from cloudlayer.storage.objects import PLAIN
from tests.mutants.objects.base import breaks
from tests.mutants.objects.world import WorldStore


def anyhow(options):
    return replace(options, if_absent=False, if_match=None)


@breaks("a_create_is_refused_where_an_object_is", "conditions_go_through_files")
class CreatesOverAll(WorldStore):
    def put(self, key, data, options=PLAIN):
        return super().put(key, data, anyhow(options))


@breaks("a_create_is_refused_where_an_object_is")
class RefusesWithAConflict(WorldStore):
    def put(self, key, data, options=PLAIN):
        try:
            return super().put(key, data, options)
        except AlreadyExists as error:
            raise Conflict(error.message, provider=self.uri) from None


@breaks("a_create_is_refused_where_an_object_is")
class RemembersTheDead(WorldStore):
    ever = set()  # noqa: RUF012  (it is to remember for good)

    def put(self, key, data, options=PLAIN):
        if options.if_absent and key in self.ever:
            raise AlreadyExists(key, provider=self.uri)
        self.ever.add(key)
        return super().put(key, data, options)


class LooksAndThenPuts(WorldStore):
    def put(self, key, data, options=PLAIN):
        if options.if_absent or options.if_match is not None:
            with suppress(NotFound):
                found = self.head(key)
                if options.if_absent:
                    raise AlreadyExists(key, provider=self.uri)
                if found.etag != options.if_match:
                    raise Changed(key, provider=self.uri)
            time.sleep(0.001)
        return super().put(key, data, anyhow(options))


breaks("of_many_creators_one_alone_wins", "no_step_of_a_counter_is_lost", "a_put_over_what_is_not_there_is_refused")(
    LooksAndThenPuts
)


@breaks("an_upload_that_is_to_be_the_first_is_refused", "an_upload_over_another_object_than_was_meant_is_refused")
class UploadsOverAll(WorldStore):
    def upload(self, key, options=PLAIN, **asked):
        return super().upload(key, anyhow(options), **asked)


@breaks("a_put_goes_through_with_the_right_etag_alone")
class KnowsEveryEtag(WorldStore):
    def put(self, key, data, options=PLAIN):
        return super().put(key, data, replace(options, if_match=None))


@breaks("a_put_goes_through_with_the_right_etag_alone")
class PutsBeforeItLooks(WorldStore):
    def put(self, key, data, options=PLAIN):
        try:
            return super().put(key, data, options)
        except Changed:
            super().put(key, data)
            raise


@breaks("a_delete_goes_through_with_the_right_etag_alone")
class DeletesAnyEtag(WorldStore):
    def delete(self, key, *, if_match=None):
        super().delete(key)


@breaks("a_delete_goes_through_with_the_right_etag_alone")
class DeletesWhatIsNotThere(WorldStore):
    def delete(self, key, *, if_match=None):
        with suppress(NotFound):
            super().delete(key, if_match=if_match)


@breaks("a_get_of_another_object_than_was_meant_is_refused")
class ReadsAnyEtag(WorldStore):
    def get(self, key, *, start=None, end=None, if_match=None):
        return super().get(key, start=start, end=end)


@breaks("a_get_of_another_object_than_was_meant_is_refused")
class StreamsAnyEtag(WorldStore):
    def open(self, key, *, start=None, end=None, if_match=None):
        return super().open(key, start=start, end=end)


@breaks("two_conditions_at_once_are_refused")
class TakesTheFirstCondition(WorldStore):
    def put(self, key, data, options=PLAIN):
        try:
            return super().put(key, data, options)
        except InvalidSpec:
            return super().put(key, data, replace(options, if_match=None))
