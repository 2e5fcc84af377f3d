"""How a run over many objects goes, and went."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, fields
from typing import Final, Literal, TypeAlias

from cloudlayer.storage.bulk.differences import Step
from cloudlayer.storage.bulk.ears import Ears

KEPT_FAILURES: Final = 1000
"""Failures that a report names; all of them are counted, and told as they happen."""
Count: TypeAlias = Literal["copied", "kept", "deleted", "markers", "bytes"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An object that could not be copied, compared or deleted, by its whole URI."""

    uri: str
    error: str

    def __str__(self) -> str:
        return self.error if self.uri in self.error else f"{self.uri}: {self.error}"


@dataclass
class Report:
    """Numbers of objects, and bytes that arrived.

    `markers` are empty objects that stand for folders, which a target with real folders needs not.
    """

    copied: int = 0
    kept: int = 0
    deleted: int = 0
    markers: int = 0
    failed: int = 0
    bytes: int = 0
    failures: list[Failure] = field(default_factory=list)

    def __add__(self, other: Report) -> Report:
        return Report(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


class Ledger:
    """A report that many threads write to, and that tells whoever listens."""

    def __init__(self, ears: Ears) -> None:
        self.report = Report()
        self.ears = ears
        self._lock = threading.Lock()

    def count(self, what: Count, number: int = 1) -> None:
        """Count what was done."""
        with self._lock:
            setattr(self.report, what, getattr(self.report, what) + number)
            self.ears.progress(self.report)

    def moved(self, size: int) -> None:
        """Count bytes that arrived."""
        self.count("bytes", size)

    def copied(self, step: Step) -> None:
        """Take note of an object that was copied, or would be."""
        self.count("copied")
        with self._lock:
            self.ears.on_step(step)

    def fail(self, uri: str, error: Exception | str) -> None:
        """Take note of what could not be done."""
        failure = Failure(uri, str(error))
        with self._lock:
            self.report.failed += 1
            if len(self.report.failures) < KEPT_FAILURES:
                self.report.failures.append(failure)
            self.ears.on_failure(failure)
