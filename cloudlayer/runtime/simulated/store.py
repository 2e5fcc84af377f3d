"""Where a world is kept: in memory, or in one file that several processes use at once.

A file's transaction holds a lock, and its result replaces the file as a whole, so a process killed at any instruction
leaves the world as it was before or after. Nothing is synced to the disk: a world need not survive a power cut.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from cloudlayer.errors import InvalidSpec
from cloudlayer.runtime.simulated.records import Document


class Store(ABC):
    """One world's document, and the journal of the calls made in it. Thread-safe."""

    def __init__(self, new: Callable[[], Document]) -> None:
        """`new` makes the document of a world that is not there yet."""
        self._new = new

    @contextmanager
    def transaction(self) -> Iterator[Document]:
        """The document, alone; what it has become is kept unless an exception leaves the block."""
        with self._locked():
            before = self._read()
            document = self._parse(before)
            yield document
            after = json.dumps(document, separators=(",", ":"))
            if after != before:
                self._write(after)

    def read(self) -> Document:
        """The document as it is now; changes to it are lost."""
        return self._parse(self._read())

    def _parse(self, text: str) -> Document:
        """The document, with nothing in what an earlier release did not know; ValueError if the text holds no world."""
        if not text:
            return self._new()
        held = json.loads(text)
        if not isinstance(held, dict) or "settings" not in held:
            raise ValueError("no world")
        return cast(Document, {**self._new(), **held})

    @abstractmethod
    def record(self, entry: dict[str, Any]) -> None:
        """Add to the journal; called inside a transaction."""

    @abstractmethod
    def entries(self) -> list[dict[str, Any]]:
        """The whole journal."""

    @abstractmethod
    def _locked(self) -> Any: ...

    @abstractmethod
    def _read(self) -> str: ...

    @abstractmethod
    def _write(self, text: str) -> None: ...


class MemoryStore(Store):
    """A world of this process's own."""

    def __init__(self, new: Callable[[], Document]) -> None:
        super().__init__(new)
        self._lock = threading.RLock()
        self._text = ""
        self._journal: list[dict[str, Any]] = []

    def record(self, entry: dict[str, Any]) -> None:
        """Add to the journal."""
        self._journal.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        """The whole journal."""
        return list(self._journal)

    def _locked(self) -> Any:
        return self._lock

    def _read(self) -> str:
        return self._text

    def _write(self, text: str) -> None:
        self._text = text


class FileStore(Store):
    """A world in a file; its lock and its journal lie beside it as `.lock` and `.journal`."""

    def __init__(self, path: Path, new: Callable[[], Document]) -> None:
        super().__init__(new)
        self.path = path.absolute()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidSpec(f"simulated: {self.path} cannot hold a world: {error.strerror}") from error

    def record(self, entry: dict[str, Any]) -> None:
        """Add to the journal."""
        line = json.dumps(entry, separators=(",", ":")) + "\n"
        journal = os.open(self._beside(".journal"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(journal, line.encode())
        finally:
            os.close(journal)

    def entries(self) -> list[dict[str, Any]]:
        """The whole journal."""
        journal = self._beside(".journal")
        return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []

    def _parse(self, text: str) -> Document:
        with suppress(ValueError):
            return super()._parse(text)
        raise InvalidSpec(f"simulated: {self.path} holds no world: name another file")

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = os.open(self._beside(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
            # A child forked meanwhile holds this lock too, so it is let go of in words and not by closing alone.
            fcntl.flock(lock, fcntl.LOCK_UN)
        finally:
            os.close(lock)

    def _read(self) -> str:
        try:
            return self.path.read_text()
        except FileNotFoundError:
            return ""

    def _write(self, text: str) -> None:
        draft = self._beside(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        draft.replace(self.path)
