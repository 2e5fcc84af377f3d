"""What signed URLs and tags promise."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import Any, Final

import pytest

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.storage.objects import PutOptions
from cloudlayer.storage.store import Store
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.objects.base import ObjectPromises, keys
from cloudlayer.testing.skips import need

NAMES: Final = ("plain.txt", "with space + 100% #?&='.txt", "ünï/日本")
REFUSED: Final = (400, 401, 403)


class LendingPromises(ObjectPromises):
    """Of stores with `sign`, and of those with `tags`."""

    @proves("sign")
    @pytest.mark.parametrize("name", NAMES)
    def test_a_signed_url_reads_the_object(self, store: Store, place: str, name: str) -> None:
        """Without any credentials, and that object alone."""
        need(store, "sign")
        store.put(place + name, b"lent")
        assert fetch(store.sign(place + name, "GET", 60.0)) == b"lent"

    def test_a_signed_url_is_for_one_object_and_method(self, store: Store, place: str) -> None:
        """Neither another object is read with it, nor anything written."""
        need(store, "sign")
        store.put(f"{place}lent-1", b"lent")
        store.put(f"{place}kept-1", b"kept")
        url = store.sign(f"{place}lent-1", "GET", 60.0)
        with pytest.raises(urllib.error.HTTPError) as caught:
            fetch(url.replace("lent-1", "kept-1"))
        assert caught.value.code in REFUSED
        with pytest.raises(urllib.error.HTTPError) as caught:
            fetch(url, method="PUT", data=b"evil")
        assert caught.value.code in REFUSED
        assert store.get(f"{place}lent-1") == b"lent"

    @proves("sign")
    def test_a_signed_url_writes_the_object(self, store: Store, place: str) -> None:
        """Made for PUT, it reads nothing; a get gives what was written though its sum is not known."""
        need(store, "sign")
        url = store.sign(f"{place}lent", "PUT", 60.0)
        fetch(url, method="PUT", data=b"by somebody else", headers=dict(self.signed_put))
        assert store.get(f"{place}lent") == b"by somebody else"

    def test_a_signed_url_ends(self, store: Store, place: str) -> None:
        """When its time is over."""
        need(store, "sign")
        store.put(f"{place}lent", b"lent")
        url, until = store.sign(f"{place}lent", "GET", 1.0), time.monotonic() + self.patience
        while True:
            try:
                fetch(url)
            except urllib.error.HTTPError as error:
                assert error.code in REFUSED
                return
            assert time.monotonic() < until, "a URL that was signed for a second is still good"
            time.sleep(0.2)

    @pytest.mark.parametrize("expires", [0.0, -1.0])
    def test_a_url_for_no_time_is_refused(self, store: Store, place: str, expires: float) -> None:
        """Before it is made."""
        need(store, "sign")
        with pytest.raises(InvalidSpec):
            store.sign(f"{place}lent", "GET", expires)

    @proves("tags")
    def test_tags_are_replaced_without_the_object(self, store: Store, place: str) -> None:
        """Which keeps its bytes, its metadata and its content type."""
        need(store, "tags")
        key, options = f"{place}tagged", PutOptions(tags={"project": "one", "stage": "test"})
        store.put(key, b"1", options)
        before = store.head(key)
        assert store.tags(key) == {"project": "one", "stage": "test"}
        store.set_tags(key, {"project": "two: a+b"})
        assert store.tags(key) == {"project": "two: a+b"}
        after = store.head(key)
        assert store.get(key) == b"1"
        assert (after.size, after.metadata, after.content_type) == (before.size, before.metadata, before.content_type)
        store.set_tags(key, {})
        assert store.tags(key) == {}

    def test_a_tag_may_be_empty(self, store: Store, place: str) -> None:
        """It is there all the same."""
        need(store, "tags")
        store.put(f"{place}tagged", b"1")
        store.set_tags(f"{place}tagged", {"empty": "", "full": "1"})
        assert store.tags(f"{place}tagged") == {"empty": "", "full": "1"}

    def test_a_put_replaces_tags_too(self, store: Store, place: str) -> None:
        """An object that is put without has none."""
        need(store, "tags")
        store.put(f"{place}tagged", b"1", PutOptions(tags={"old": "1"}))
        store.put(f"{place}tagged", b"2")
        assert store.tags(f"{place}tagged") == {}

    def test_tags_of_what_is_not_there_are_not_found(self, store: Store, place: str) -> None:
        """Neither told nor set."""
        need(store, "tags")
        with pytest.raises(NotFound):
            store.tags(f"{place}absent")
        with pytest.raises(NotFound):
            store.set_tags(f"{place}absent", {"a": "b"})
        assert keys(store.list(place)) == []


def fetch(url: str, **request: Any) -> bytes:
    """What an HTTP server answers to somebody without credentials."""
    asked = urllib.request.Request(url, **request)  # noqa: S310
    asked.add_unredirected_header("Content-Type", "application/octet-stream")  # urllib would say that it is a form
    with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body
