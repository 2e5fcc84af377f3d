"""Ranges mean what slices of bytes mean, and one without a byte is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.errors import InvalidSpec
from cloudlayer.storage.ranges import check, resolve

PLACES = st.none() | st.integers(-30, 30)


@given(st.integers(0, 20), PLACES, PLACES.filter(lambda end: end is None or end > 0))
def test_a_range_is_the_slice_or_is_refused(size, start, end):
    data = bytes(range(size))
    wanted = data[start:end]
    if wanted or (start, end) == (None, None):
        first, stop = resolve("memory://m/k", size, start, end)
        assert data[first:stop] == wanted
        check("memory://m/k", start, end)
    else:
        with pytest.raises(InvalidSpec, match=r"memory://m/k: the range .* has no byte"):
            resolve("memory://m/k", size, start, end)


@given(st.integers(0, 20), PLACES, st.integers(-30, 0))
def test_an_end_that_is_not_counted_from_the_start_is_refused(size, start, end):
    with pytest.raises(InvalidSpec, match="its end is counted from 0"):
        resolve("memory://m/k", size, start, end)
    with pytest.raises(InvalidSpec, match="its end is counted from 0"):
        check("memory://m/k", start, end)
