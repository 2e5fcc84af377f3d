"""Mutants that break what declarations and errors promise."""

import time
from dataclasses import replace

from cloudlayer.errors import AuthError, CloudError, InvalidSpec, NotFound, TransientError, Unsupported
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.objects import PLAIN
from tests.mutants.objects.base import breaks
from tests.mutants.objects.world import ABSENT, SECRET, WorldStore


@breaks("each_capability_is_declared")
class DeclaresLess(WorldStore):
    def __init__(self, authority, settings):
        super().__init__(authority, settings)
        items = {name: found for name, found in self.capabilities.items.items() if name != "sign"}
        self.capabilities = replace(self.capabilities, items=items)


@breaks("each_capability_is_declared")
class HasNoReason(WorldStore):
    def __init__(self, authority, settings):
        super().__init__(authority, settings)
        self.capabilities = declare(self.uri, sign="")


def lying(*names):
    """A store that says that it lacks something, and has it."""
    return type(f"HasAllTheSame{''.join(names).title().replace('_', '')}", (WorldStore,), {"lacking": names, "lies": True})


breaks("an_option_that_is_missing_is_unsupported")(lying("metadata"))
breaks("an_option_that_is_missing_is_unsupported")(lying("create_if_absent"))
breaks("conditions_that_are_missing_are_unsupported")(lying("compare_and_swap"))
breaks("signing_that_is_missing_is_unsupported")(lying("sign"))
breaks("tags_that_are_missing_are_unsupported")(lying("tags"))
breaks("resuming_that_is_missing_is_unsupported")(lying("resume"))
breaks("telling_uploads_that_is_missing_is_unsupported")(lying("uploads"))
breaks("lists_that_are_missing_are_unsupported")(lying("list"))
breaks("writing_that_is_missing_is_unsupported")(lying("put"))


@breaks("an_option_that_is_missing_is_unsupported")
class PutsAndComplains(WorldStore):
    lacking = ("tags",)

    def put(self, key, data, options=PLAIN):
        try:
            return super().put(key, data, options)
        except Unsupported:
            super().put(key, data)
            raise


@breaks("signing_that_is_missing_is_unsupported")
class HasAnotherReason(WorldStore):
    lacking = ("sign",)

    def sign(self, key, method, expires):
        raise Unsupported("not here", provider=self.uri)


@breaks("wrong_credentials_are_told")
class FindsNothingWithoutTheSecret(WorldStore):
    def gate(self, *needed):
        try:
            super().gate(*needed)
        except AuthError as error:
            raise NotFound(error.message, provider=self.uri) from None


@breaks("a_bucket_that_is_not_there_is_not_found")
class MakesBuckets(WorldStore):
    def gate(self, *needed):
        if self._authority != ABSENT:
            super().gate(*needed)


@breaks("a_bucket_that_is_not_there_is_not_found")
class SaysItIsForbidden(WorldStore):
    def gate(self, *needed):
        if self._authority == ABSENT:
            raise AuthError("no", provider=self.uri)
        super().gate(*needed)


@breaks("no_secret_is_told")
class PrintsItself(WorldStore):
    def __repr__(self):
        return f"WorldStore({self._secret})"


@breaks("no_secret_is_told")
class TellsWhatItSent(WorldStore):
    def get(self, key, **asked):
        try:
            return super().get(key, **asked)
        except CloudError as error:
            raise type(error)(f"{error.message}, asked with {SECRET}", provider=self.uri) from None


@breaks("an_unknown_setting_is_refused")
class KnowsEverySetting(WorldStore):
    """`connect` lets any setting through for it."""

    takes_any = True


@breaks("a_server_that_does_not_answer_is_given_up")
class WaitsForEver(WorldStore):
    def call(self):
        time.sleep(5)
        super().call()


@breaks("a_server_that_does_not_answer_is_given_up", "a_server_that_is_not_there_is_told")
class ForgetsItsName(WorldStore):
    def call(self):
        try:
            super().call()
        except TransientError as error:
            raise OSError(error.message) from None


@breaks("a_store_that_is_closed_twice_is_no_error")
class ClosesOnce(WorldStore):
    closed = False

    def close(self):
        if self.closed:
            raise InvalidSpec("it is closed")
        self.closed = True
