"""What a loop in a thread of its own promises: whoever asks it is answered, whatever becomes of the loop."""

import asyncio
import threading
import time

import pytest

from cloudlayer.storage.stores import loops
from cloudlayer.storage.stores.loops import LoopThread

BOUND = 10.0
"""Seconds after which what hangs lets go by itself, so that a test without a bound ends too."""


@pytest.fixture
def loop(monkeypatch):
    monkeypatch.setattr(loops, "_MOMENT", 0.2)
    made = LoopThread("loop of a test")
    yield made
    made.stop()


def refused_in_time(call):
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        call()
    assert time.monotonic() - begun < BOUND / 2


def test_it_gives_what_the_work_gives(loop):
    assert loop.run(asyncio.sleep(0, "done"), 5) == "done"


def test_work_that_takes_too_long_is_cancelled(loop):
    refused_in_time(lambda: loop.run(asyncio.sleep(BOUND), 0.1))
    assert loop.run(asyncio.sleep(0, "next"), 5) == "next"


def test_a_loop_that_hangs_keeps_nobody(loop):
    over = threading.Event()

    async def hang():
        over.wait(BOUND)

    try:
        refused_in_time(lambda: loop.run(hang(), 0.1))
        refused_in_time(lambda: loop.run(asyncio.sleep(0), 0.1))
    finally:
        over.set()
    assert loop.run(asyncio.sleep(0, "next"), BOUND) == "next"


def test_work_that_will_not_be_cancelled_keeps_nobody(loop):
    over = asyncio.Event()

    async def stay():
        end = time.monotonic() + BOUND
        while time.monotonic() < end and not over.is_set():
            try:
                await asyncio.wait_for(over.wait(), end - time.monotonic())
            except (asyncio.CancelledError, TimeoutError):
                continue

    try:
        refused_in_time(lambda: loop.run(stay(), 0.1))
    finally:
        loop._loop.call_soon_threadsafe(over.set)
