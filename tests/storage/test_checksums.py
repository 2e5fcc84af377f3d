"""CRC-32C: the sums that the standard has, of any kind of bytes, in pieces, and of pieces put together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.errors import IntegrityError
from cloudlayer.storage import checksums
from cloudlayer.storage.checksums import attach, combine, crc32c, decode, detach, encode, verify


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_the_sums_of_rfc_3720_come_out(data, expected):
    assert crc32c(data) == expected


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_sum_goes_on_where_the_piece_before_it_ended(first, second):
    assert crc32c(second, crc32c(first)) == crc32c(first + second)


@given(st.binary(max_size=300))
def test_every_kind_of_bytes_has_the_same_sum(data):
    framed = memoryview(b"x" + data + b"x")[1 : 1 + len(data)]
    assert crc32c(bytearray(data)) == crc32c(memoryview(data)) == crc32c(framed) == crc32c(data)


def test_a_view_longer_than_a_window_and_one_of_wider_items_are_summed_whole():
    data = bytes(range(256)) * 10_000
    assert len(data) > checksums._WINDOW
    assert crc32c(memoryview(data)) == crc32c(memoryview(data).cast("Q")) == crc32c(data)


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_the_sums_of_parts_give_the_sum_of_the_whole(parts):
    whole = 0
    for part in parts:
        whole = combine(whole, crc32c(part), len(part))
    assert whole == crc32c(b"".join(parts))


def test_a_part_of_gigabytes_is_put_after_another():
    mebibyte, count = bytes(1 << 20), 3000
    alone, after_head = 0, crc32c(b"head")
    for _ in range(count):
        alone, after_head = crc32c(mebibyte, alone), crc32c(mebibyte, after_head)
    assert combine(crc32c(b"head"), alone, count << 20) == after_head


@given(st.integers(0, 2**32 - 1))
def test_a_sum_is_read_as_it_was_written(number):
    assert decode(encode(number)) == number


def test_a_sum_is_written_as_the_clouds_write_theirs():
    assert encode(crc32c(b"123456789")) == "4waSgw=="


@pytest.mark.parametrize("text", [None, "", "4waSgw==-3", "4waSgw", "4waS", "not base64!", "é", "AAAAAAAA"])
def test_a_text_that_is_no_sum_of_a_whole_tells_none(text):
    assert decode(text) is None


@given(
    st.dictionaries(st.text(), st.text()).filter(lambda metadata: checksums.METADATA not in metadata), st.integers(0, 2**32 - 1)
)
def test_metadata_come_back_without_the_sum_that_went_with_them(metadata, number):
    assert detach(attach(metadata, number)) == (metadata, number)
    assert detach(metadata) == (metadata, None)


def test_what_arrived_whole_passes():
    verify("memory://m/k", size=9, expected_size=9, crc32c=1, expected=1)
    verify("memory://m/k", size=9, expected_size=9, crc32c=1, expected=None)


def test_what_is_cut_short_or_damaged_is_told_with_its_store_and_key():
    with pytest.raises(IntegrityError, match=r"memory://m/: k is damaged: 8 bytes arrived of 9") as raised:
        verify("memory://m/k", size=8, expected_size=9, crc32c=None, expected=None)
    assert raised.value.provider == "memory://m/"
    with pytest.raises(IntegrityError, match=r"dropbox://: a/k is damaged.*AAAAAQ==.*AAAAAg==") as raised:
        verify("dropbox://a/k", size=9, expected_size=9, crc32c=1, expected=2)
    assert raised.value.provider == "dropbox://"
