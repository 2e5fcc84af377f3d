"""What errors promise: one exact class, whose it is, and no secret in any of it."""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cloudlayer.errors import AuthError, CloudError, InvalidSpec, NotFound, PermissionDenied, TransientError
from cloudlayer.storage.client import Client
from cloudlayer.storage.store import Store
from cloudlayer.testing.objects.base import Given, ObjectPromises, Stores, at_once, reached
from cloudlayer.testing.skips import need

REFUSED = (AuthError, PermissionDenied)


class FailingPromises(ObjectPromises):
    """Of every store, as far as its tests can bring the fault about."""

    def test_wrong_credentials_are_told(self, denied: Stores, root: str, prefix: str) -> None:
        """By reading, writing and listing, each with its own error; not as something that is not there."""
        with reached(denied, root) as (store, _):
            for call in _calls(store, f"{prefix}name"):
                with pytest.raises(REFUSED) as caught:
                    call()
                assert caught.value.provider == store.uri

    def test_a_bucket_that_is_not_there_is_not_found(self, stores: Stores, absent_root: str) -> None:
        """By reading and by listing; and by writing, which does not make it."""
        with reached(stores, absent_root) as (store, key):
            for call in _calls(store, f"{key}name"):
                with pytest.raises(NotFound) as caught:
                    call()
                assert caught.value.provider == store.uri

    def test_no_secret_is_told(
        self, client: Client, store: Store, given: Given, denied: Stores, root: str, prefix: str, secrets: tuple[str, ...]
    ) -> None:
        """Neither by what one prints of a client, a store, a stream or a file, nor by an error with all that led to it."""
        key = given("name", b"1")
        told = [repr(client), str(client), repr(store), str(store), repr(store.head(key))]
        told += [repr(reader := store.open(key)), repr(reader.info)]
        reader.close()
        with reached(denied, root) as (refused, _):
            told.append(repr(refused))
            for calls in (_calls(store, f"{prefix}absent"), _calls(refused, key)):
                told += [_told(call) for call in calls[:2]]
        assert any("NotFound" in text for text in told)
        assert [secret for secret in secrets for text in told if secret in text] == []

    def test_an_unknown_setting_is_refused(self, stores: Stores, root: str) -> None:
        """With its name, before anything is connected."""
        account = root.partition("://")[0]
        wrong = {**stores, account: {**stores.get(account, {}), "no-such-setting": 1}}
        with pytest.raises(InvalidSpec, match="no-such-setting"), reached(wrong, root):
            pass

    def test_a_server_that_does_not_answer_is_given_up(self, elsewhere: Callable[[str, int], tuple[Stores, str]]) -> None:
        """In bounded time, by reading and by writing: TransientError."""
        with _silent() as (host, port):
            stores, root = elsewhere(host, port)
            with reached(stores, root) as (store, key):
                started = time.monotonic()
                ended = at_once(lambda call: call(), _calls(store, f"{key}name"))
                assert time.monotonic() - started < self.patience
                assert all(isinstance(end, TransientError) for end in ended), ended

    def test_a_server_that_is_not_there_is_told(self, elsewhere: Callable[[str, int], tuple[Stores, str]]) -> None:
        """As an error that may pass, with whose it is."""
        with _silent() as (host, port):
            stores, root = elsewhere(host, port)
        with reached(stores, root) as (store, key):
            with pytest.raises(TransientError) as caught:
                store.get(f"{key}name")
            assert caught.value.provider == store.uri

    def test_a_store_that_is_closed_twice_is_no_error(self, another: Store, given: Given) -> None:
        """And closing one leaves another's connections alone."""
        key = given("name", b"1")
        assert another.get(key) == b"1"
        another.close()
        another.close()
        need(another, "put")
        assert given("name", b"2") == key


def _calls(store: Store, key: str) -> list[Callable[[], Any]]:
    """One of each kind that the store has: read, tell, list, write."""
    calls: list[Callable[[], Any]] = [lambda: store.get(key), lambda: store.head(key)]
    if store.capabilities["list"]:
        calls.append(lambda: list(store.list(key)))
    if store.capabilities["put"]:
        calls.append(lambda: store.put(key, b"1"))
    return calls


def _told(call: Callable[[], Any]) -> str:
    """All that a program that logs an error would log."""
    try:
        call()
    except CloudError as error:
        return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    return ""


@contextmanager
def _silent() -> Iterator[tuple[str, int]]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()
        yield host, port
