"""A bound on calls of libraries that have none of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from cloudlayer.errors import TransientError

Result = TypeVar("Result")


def within(seconds: float, uri: str, call: Callable[[], Result]) -> Result:
    """What `call` gives; TransientError after `seconds`, when its thread is left to itself and ends with the process."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # a panic of a library written in Rust is no Exception
            future.set_exception(error)

    threading.Thread(target=run, name=f"call of {uri}", daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        if future.done():
            raise
        raise TransientError(f"no answer within {seconds:g} s", provider=uri, code="Timeout") from None
