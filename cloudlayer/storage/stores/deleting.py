"""Many deletes, where a service takes one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


def each(delete: Callable[[str], None], keys: Sequence[str], at_once: int) -> dict[str, Exception]:
    """Delete every key, `at_once` at a time; the errors of those that are still there, by key."""

    def error_of(key: str) -> Exception | None:
        try:
            delete(key)
        except Exception as error:
            return error
        return None

    with ThreadPoolExecutor(at_once) as pool:
        errors = pool.map(error_of, keys)
        return {key: error for key, error in zip(keys, errors, strict=True) if error is not None}
