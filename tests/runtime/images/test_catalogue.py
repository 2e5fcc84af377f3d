"""The catalogue knows what the registry has, and what nobody asks for any more."""

import os
import time

import pytest

from cloudlayer.runtime.docker.registry.catalogue import KEPT_SECONDS, MOST_RECENT, Entry, Layer


def entry(name, **layers):
    return Entry(name, (f"sha256:{name}",), layers)


def age(catalogue, name, seconds):
    """Let an image have been used that long ago."""
    when = time.time() - seconds
    os.utime(catalogue._path(name), (when, when))


def test_what_is_put_is_got(catalogue):
    made = entry("a", path=Layer("sha256:x", "sha256:y", 3))
    catalogue.put(made)
    assert catalogue.get("a") == made
    assert catalogue.layers() == made.layers


def test_what_is_not_there_is_none(catalogue):
    assert catalogue.get("a") is None
    catalogue.put(entry("a"))
    catalogue.remove("a")
    assert catalogue.get("a") is None


def test_only_what_is_old_and_not_among_the_last_is_unused(catalogue):
    for number in range(MOST_RECENT + 3):
        catalogue.put(entry(str(number)))
        age(catalogue, str(number), KEPT_SECONDS * 2 - number)
    assert {each.reference for each in catalogue.unused()} == {"0", "1", "2"}


def test_what_is_asked_for_is_used(catalogue):
    for number in range(MOST_RECENT + 1):
        catalogue.put(entry(str(number)))
        age(catalogue, str(number), KEPT_SECONDS * 2 - number)
    catalogue.get("0")
    assert [each.reference for each in catalogue.unused()] == ["1"]


def test_young_images_stay_however_many(catalogue):
    for number in range(MOST_RECENT * 2):
        catalogue.put(entry(str(number)))
    assert catalogue.unused() == []


@pytest.mark.parametrize("content", ["", "{"])
def test_an_entry_that_was_damaged_is_as_if_not_there(catalogue, content):
    catalogue.put(entry("a"))
    catalogue._path("a").write_text(content)
    assert catalogue.get("a") is None
    assert catalogue.layers() == {}
