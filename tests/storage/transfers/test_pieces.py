"""A stream cut anew: what goes out is what came in, in pieces of the size wanted."""

import os
import tracemalloc

import pytest

from cloudlayer.storage.transfers.pieces import Pieces
from cloudlayer.units import MIB


def taken(chunks, size):
    pieces, found = Pieces(chunks), []
    while not pieces.ended():
        found.append(bytes(pieces.take(size)))
    return found


@pytest.mark.parametrize("length", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 5])
@pytest.mark.parametrize("chunk", [MIB // 3, MIB, 5 * MIB])
@pytest.mark.parametrize("size", [MIB // 2, MIB, 2 * MIB + 1])
def test_all_have_the_size_but_the_last(length, chunk, size):
    data = os.urandom(length)
    chunks = [data[at : at + chunk] for at in range(0, length, chunk)]
    assert taken([b"", *chunks, b""], size) == [data[at : at + size] for at in range(0, length, size)]


def test_what_is_put_back_comes_again_first():
    pieces = Pieces([b"abc", b"def"])
    pieces.put_back(pieces.take(2))
    assert (bytes(pieces.take(4)), bytes(pieces.take(4)), pieces.ended()) == (b"abcd", b"ef", True)


def test_a_large_piece_of_many_is_in_memory_once():
    pieces = Pieces(bytes(MIB) for _ in range(12))
    tracemalloc.start()
    try:
        assert len(pieces.take(12 * MIB)) == 12 * MIB
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()
