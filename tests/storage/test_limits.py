"""What every store refuses before any call, and what none refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.storage.capabilities import declare
from cloudlayer.storage.limits import LONGEST_KEY, check_key, check_path, check_put, is_path
from cloudlayer.storage.objects import PLAIN, PutOptions

ALL = declare("memory://m/")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_every_text_that_is_short_enough_is_a_key(key):
    if len(key.encode()) <= LONGEST_KEY:
        check_key("memory://m/", key)


@pytest.mark.parametrize(
    ("key", "told"),
    [("", "names no object"), ("a" * 1025, "this one 1,025"), ("ä" * 513, "this one 1,026"), ("a\ud800b", "half a character")],
)
def test_what_is_no_key_is_told_with_the_store(key, told):
    with pytest.raises(InvalidSpec, match=f"^memory://m/.*{told}"):
        check_key("memory://m/", key)


@pytest.mark.parametrize("key", ["a" * 1024, "ä" * 512, " ", "a//b", "../.", "\0"])
def test_the_longest_and_the_strangest_keys_are_keys(key):
    check_key("memory://m/", key)


@pytest.mark.parametrize("key", ["a//b", "/a", "a/", "./a", "a/..", "."])
def test_where_keys_are_paths_those_that_a_path_would_change_are_refused(key):
    assert not is_path(key)
    with pytest.raises(InvalidSpec, match=r'no part between slashes may be empty, "." or ".."'):
        check_path("file:///", key)


@pytest.mark.parametrize("key", ["a", "a/b", "...", "a/.b", "a b/ü"])
def test_where_keys_are_paths_all_others_are_taken(key):
    assert is_path(key)
    check_path("file:///", key)


@pytest.mark.parametrize(
    "options",
    [
        PutOptions(if_absent=True, if_match="1"),
        PutOptions(metadata={"cloudlayer-crc32c": "x"}),
        *(PutOptions(metadata={name: "x"}) for name in ("", "A", "a_b", "ä", "a b")),
        *(PutOptions(metadata={"a": value}) for value in ("ä", "\n", " a", "a ", "\0")),
    ],
)
def test_what_no_store_could_keep_is_refused(options):
    with pytest.raises(InvalidSpec):
        check_put("memory://m/", ALL, options)


@pytest.mark.parametrize(
    "options", [PLAIN, PutOptions(metadata={"a-1": "", "b": "x y ~"}, tags={"A b": "ü"}, content_type="text/csv")]
)
def test_what_a_store_can_keep_passes(options):
    check_put("memory://m/", ALL, options)


@pytest.mark.parametrize(
    ("capability", "options"),
    [
        ("create_if_absent", PutOptions(if_absent=True)),
        ("compare_and_swap", PutOptions(if_match="")),
        ("content_type", PutOptions(content_type="")),
        ("metadata", PutOptions(metadata={"a": "b"})),
        ("tags", PutOptions(tags={"a": "b"})),
    ],
)
def test_what_a_store_lacks_is_told_with_its_reason(capability, options):
    lacking = declare("x://m/", **{capability: "it was built without"})
    with pytest.raises(Unsupported, match="it was built without"):
        check_put("x://m/", lacking, options)
    check_put("x://m/", lacking, PutOptions())
