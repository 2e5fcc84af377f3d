import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.errors import UnknownCloudError
from cloudlayer.providers.base.pages import flatten


@given(st.lists(st.lists(st.integers()), min_size=1))
def test_every_item_of_every_page_is_there_in_order(pages):
    def fetch(token):
        number = int(token or 0)
        return pages[number], str(number + 1) if number + 1 < len(pages) else None

    assert list(flatten(fetch)) == [item for page in pages for item in page]


def test_an_empty_token_ends_the_list():
    assert list(flatten(lambda token: ([1], ""))) == [1]


def test_a_token_that_comes_again_is_an_error_and_no_endless_list():
    following = {None: "a", "a": "b", "b": "a"}
    with pytest.raises(UnknownCloudError, match="read before") as caught:
        list(flatten(lambda token: ([token], following[token]), provider="odd"))
    assert caught.value.provider == "odd"


def test_pages_are_read_as_they_are_needed():
    asked = []

    def fetch(token):
        asked.append(token)
        return [1, 2], "next"

    assert next(flatten(fetch)) == 1
    assert asked == [None]
