"""What declarations promise: a capability is there or has its reason, and what is missing says so before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest

from cloudlayer.errors import NotFound, Unsupported
from cloudlayer.storage.capabilities import NAMES
from cloudlayer.storage.objects import PutOptions, UploadInfo
from cloudlayer.storage.store import Store
from cloudlayer.testing.evidence import record_capability
from cloudlayer.testing.objects.base import Given, ObjectPromises
from cloudlayer.testing.skips import lacks

OPTIONS: Final = {
    "create_if_absent": PutOptions(if_absent=True),
    "compare_and_swap": PutOptions(if_match="etag"),
    "metadata": PutOptions(metadata={"a": "b"}),
    "content_type": PutOptions(content_type="text/plain"),
    "tags": PutOptions(tags={"a": "b"}),
}
"""What asks for a capability when it is put."""


class DeclarationPromises(ObjectPromises):
    """Of every store."""

    @pytest.mark.parametrize("name", NAMES)
    def test_each_capability_is_declared(self, store: Store, name: str, request: pytest.FixtureRequest) -> None:
        """With a reason where it is missing, and with none where it is there."""
        assert set(store.capabilities.items) == set(NAMES)
        capability = store.capabilities[name]
        assert bool(capability.reason) is not capability.supported
        assert capability.supported or len(capability.reason) > len("not supported")
        record_capability(request.node, name, capability)

    @pytest.mark.parametrize("name", OPTIONS)
    def test_an_option_that_is_missing_is_unsupported(self, store: Store, place: str, name: str) -> None:
        """With the declared reason, by put, copy and upload; nothing is put and nothing replaced."""
        reason, options = lacks(store, name), OPTIONS[name]
        store.put(f"{place}old", b"old")
        calls: list[Callable[[str], Any]] = [
            lambda key: store.put(key, b"new", options),
            lambda key: store.upload(key, options, size=3),
            lambda key: store.copy(f"{place}old", key, options),
        ]
        for call in calls:
            for key in ("old", "new"):
                _unsupported(partial(call, place + key), store, reason)
        assert store.get(f"{place}old") == b"old"
        with pytest.raises(NotFound):
            store.head(f"{place}new")

    def test_conditions_that_are_missing_are_unsupported(self, store: Store, place: str) -> None:
        """By delete too, and the object stays."""
        reason = lacks(store, "compare_and_swap")
        store.put(f"{place}old", b"old")
        _unsupported(lambda: store.delete(f"{place}old", if_match="etag"), store, reason)
        assert store.get(f"{place}old") == b"old"

    def test_signing_that_is_missing_is_unsupported(self, store: Store, prefix: str) -> None:
        """With the declared reason."""
        reason = lacks(store, "sign")
        _unsupported(lambda: store.sign(f"{prefix}name", "GET", 60.0), store, reason)

    def test_tags_that_are_missing_are_unsupported(self, store: Store, given: Given) -> None:
        """To read and to set, of an object that is there."""
        reason = lacks(store, "tags")
        key = given("plain", b"1")
        _unsupported(lambda: store.tags(key), store, reason)
        _unsupported(lambda: store.set_tags(key, {"a": "b"}), store, reason)

    def test_resuming_that_is_missing_is_unsupported(self, store: Store, place: str) -> None:
        """Before another upload is begun in its place."""
        reason = lacks(store, "resume")
        _unsupported(lambda: store.upload(f"{place}name", size=1, resume="id"), store, reason)

    def test_telling_uploads_that_is_missing_is_unsupported(self, store: Store, place: str) -> None:
        """With the declared reason: none is not the same as unknown."""
        reason = lacks(store, "uploads")
        _unsupported(lambda: list(store.uploads(place)), store, reason)
        _unsupported(lambda: store.discard(UploadInfo(f"{place}name", "id")), store, reason)

    def test_lists_that_are_missing_are_unsupported(self, store: Store, prefix: str) -> None:
        """With the declared reason: an empty list would be another thing."""
        reason = lacks(store, "list")
        _unsupported(lambda: list(store.list(prefix)), store, reason)
        _unsupported(lambda: list(store.list(prefix, shallow=True)), store, reason)

    def test_writing_that_is_missing_is_unsupported(self, store: Store, prefix: str, given: Given) -> None:
        """By every verb that writes; the object stays as it is."""
        reason = lacks(store, "put")
        key = given("old", b"old")
        calls: list[Callable[[], Any]] = [
            lambda: store.put(key, b"new"),
            lambda: store.upload(key, size=1),
            lambda: store.delete(key),
            lambda: store.delete_many([key]),
            lambda: store.copy(key, f"{prefix}copy"),
        ]
        for call in calls:
            _unsupported(call, store, reason)
        assert store.get(key) == b"old"


def _unsupported(call: Callable[[], Any], store: Store, reason: str) -> None:
    with pytest.raises(Unsupported) as caught:
        call()
    assert reason in caught.value.reason
    assert caught.value.provider == store.uri
