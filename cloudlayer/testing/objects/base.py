"""The fixtures of what stores promise, and what these promises are written with."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar
from uuid import uuid4

import pytest

from cloudlayer import storage
from cloudlayer.storage import registry, uri
from cloudlayer.storage.client import Client
from cloudlayer.storage.objects import Page
from cloudlayer.storage.store import Store
from cloudlayer.testing.evidence import proven, record_promise
from cloudlayer.testing.skips import need, skip

Stores: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Settings by the names of accounts, as under [stores] of the configuration file."""

Given: TypeAlias = Callable[[str, bytes], str]
Damage: TypeAlias = Callable[[str], None]

THREADS: Final = 16
"""How many callers come at once where a promise is about that."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class ObjectPromises:
    """Fixtures: `root` must be given, and `stores` where the store needs settings; all others have defaults.

    `name` is what the store is called in the table, and `proof` what stands behind it in these tests: "real service",
    "emulator", "stub" or "fake".
    """

    name: str = ""
    proof: str = ""
    capability: str = ""
    patience: float = 30.0
    """For how many seconds something may take that has no bound of its own."""

    signed_put: Mapping[str, str] = {}
    """The headers that a PUT by a signed URL needs with this store, beside the URL."""

    many: int = 1500
    """So many objects are more than a page of any store has, and more than one request deletes."""

    @pytest.fixture
    def root(self) -> str:
        """The URI of a place that tests may write under, such as "s3://bucket/"."""
        raise NotImplementedError("give a fixture `root` that returns the URI of a place to write under")

    @pytest.fixture
    def stores(self) -> Stores:
        """What [stores] of a configuration file would have to say, so that `root` is reached."""
        return {}

    @pytest.fixture
    def denied(self) -> Stores:
        """As `stores`, with credentials that are not accepted."""
        skip("fixture", "denied", "the store asks for no credentials in these tests")

    @pytest.fixture
    def elsewhere(self) -> Callable[[str, int], tuple[Stores, str]]:
        """`stores` and `root` for a store at another host and port, whose calls end after half a second."""
        skip("fixture", "elsewhere", "the store is at no address")

    @pytest.fixture
    def absent_root(self) -> str:
        """A `root` in a bucket, container or folder that is not there."""
        skip("fixture", "absent_root", "the store has no buckets")

    @pytest.fixture
    def secrets(self) -> tuple[str, ...]:
        """What of `stores` and `denied` no message may have in it."""
        skip("fixture", "secrets", "the store is told no secret in these tests")

    @pytest.fixture
    def damage(self) -> Damage:
        """Changes a byte of the object with this key behind the store's back, and nothing that is kept beside it."""
        skip("fixture", "damage", "what is stored cannot be reached in these tests but through the store")

    @pytest.fixture
    def store(self, stores: Stores, root: str) -> Iterator[Store]:
        """The store, connected."""
        with reached(stores, root) as (store, _):
            yield store

    @pytest.fixture
    def another(self, stores: Stores, root: str) -> Iterator[Store]:
        """The store as somebody else has connected it, who shares nothing with `store` but what is stored."""
        with reached(stores, root) as (store, _):
            yield store

    @pytest.fixture
    def client(self, stores: Stores) -> Iterator[Client]:
        """A client that reaches the store."""
        with storage.connect(stores) as client:
            yield client

    @pytest.fixture
    def prefix(self, store: Store, root: str) -> Iterator[str]:
        """What the keys of this test start with; all that is under it is deleted after the test."""
        prefix = f"{uri.parse(root).key}conformance-{uuid4().hex}/"
        yield prefix
        if store.capabilities["put"] and store.capabilities["list"]:
            sweep(store, prefix)

    @pytest.fixture
    def place(self, store: Store, prefix: str) -> str:
        """`prefix`, for promises of stores that can be written to; of others they are skipped."""
        need(store, "put")
        return prefix

    @pytest.fixture
    def given(self, store: Store, prefix: str) -> Given:
        """Puts an object under a name of this test, and returns its key; past the store where it cannot be written to."""

        def put(name: str, data: bytes) -> str:
            store.put(prefix + name, data)
            return prefix + name

        return put

    @pytest.fixture(autouse=True)
    def recorded(self, request: pytest.FixtureRequest) -> None:
        """Writes into pytest's JUnit file whose promise this is, what it proves, and by what kind of proof."""
        parameters = {"capability": self.capability, **getattr(getattr(request.node, "callspec", None), "params", {})}
        capabilities = [capability.format(**parameters) for capability in proven(request.function)]
        record_promise(request.node, self.name, self.proof, capabilities, interface="objects")


@contextmanager
def reached(stores: Stores, root: str) -> Iterator[tuple[Store, str]]:
    """The store of a URI, connected, and the URI's key."""
    place = uri.parse(root)
    store = registry.connect(place.scheme, place.authority, place.account, stores.get(place.account, {}))
    try:
        yield store, place.key
    finally:
        store.close()


def sweep(store: Store, prefix: str) -> None:
    """Delete all that is under a prefix, uploads too."""
    if store.capabilities["uploads"]:
        for upload in store.uploads(prefix):
            store.discard(upload)
    keys = [item.key for page in [*store.list(prefix)] for item in page.objects]
    assert store.delete_many(keys) == {}


def keys(pages: Iterable[Page]) -> list[str]:
    """The keys of the objects in a list, in its order."""
    return [item.key for page in pages for item in page.objects]


def folders(pages: Iterable[Page]) -> list[str]:
    """The folders in a shallow list, in its order."""
    return [folder for page in pages for folder in page.folders]


def at_once(call: Callable[[Item], Result], items: Iterable[Item], threads: int = THREADS) -> list[Result | Exception]:
    """What a call gives, or raises, for each item, all in threads of their own."""

    def tried(item: Item) -> Result | Exception:
        try:
            return call(item)
        except Exception as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(tried, items))


def same(got: bytes, expected: bytes) -> None:
    """Bytes by the place where they differ: pytest's own comparison takes minutes over megabytes where it tells all."""
    if got != expected:
        place = next((at for at, (one, other) in enumerate(zip(got, expected, strict=False)) if one != other), None)
        where = f"differ from byte {place} on" if place is not None else "end too early or too late"
        raise AssertionError(f"the bytes {where}: {len(got)} came, {len(expected)} should")


@cache
def pattern(size: int) -> bytes:
    """Bytes of which no two pieces are alike, so that one in a wrong place is seen."""
    return array("Q", range(size // 8 + 1)).tobytes()[:size]
