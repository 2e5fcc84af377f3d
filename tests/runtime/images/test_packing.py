"""Layers are packed so that any engine unpacks the same bytes, and packing costs nothing where it wins nothing."""

import gzip
import random

from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.runtime.docker.registry.packing import is_packed, packed


@given(st.lists(st.binary(max_size=3000), max_size=20))
def test_what_is_unpacked_is_what_was_packed(chunks):
    assert gzip.decompress(b"".join(packed(chunks))) == b"".join(chunks)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_the_same_chunks_are_the_same_bytes_whichever_thread_was_quicker(chunks):
    assert list(packed(chunks)) == list(packed(chunks))


def test_what_does_not_shrink_is_left_as_it_is():
    noise = random.Random(1).randbytes(2**20)
    (member,) = packed([noise])
    assert noise[:1000] in member
    assert len(member) < len(noise) * 1.001


def test_what_shrinks_shrinks():
    (member,) = packed([b"a line of text\n" * 100_000])
    assert len(member) < 30_000


def test_packed_layers_are_told_from_plain_ones():
    assert is_packed(gzip.compress(b"x"))
    assert is_packed(b"\x28\xb5\x2f\xfd....")
    assert not is_packed(b"usr/bin/python3\0\0")
    assert not is_packed(b"")
