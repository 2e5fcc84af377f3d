"""A store that is watched, and breaks where a test wants it to."""

import threading

from cloudlayer.errors import TransientError
from cloudlayer.interfaces.capabilities import Capabilities, Capability
from cloudlayer.storage.objects import PLAIN

BROKEN = TransientError("the connection broke")


class Watched:
    """Another store; `parts` and `ranges` that went through are listed. `break_after` as many of them, the next one fails.

    `before_part` and `before_range` are called before each.
    """

    def __init__(self, store, **missing):
        items = store.capabilities.items | {name: Capability(False, reason) for name, reason in missing.items()}
        self.capabilities = Capabilities(store.uri, items)
        self.parts, self.ranges, self.calls = [], [], []
        self.break_after = None
        self.before_part = self.before_range = lambda: None
        self._store, self._lock = store, threading.Lock()

    def __getattr__(self, name):
        self.calls.append(name)
        return getattr(self._store, name)

    def pass_one(self, kind, what):
        with self._lock:
            if self.break_after is not None and len(kind) >= self.break_after:
                raise BROKEN
            kind.append(what)

    def get(self, key, *, start=None, end=None, if_match=None):
        self.before_range()
        self.pass_one(self.ranges, start)
        return self._store.get(key, start=start, end=end, if_match=if_match)

    def open(self, key, *, start=None, end=None, if_match=None):
        return Arrived(self._store.head(key), self.get(key, start=start, end=end, if_match=if_match))

    def upload(self, key, options=PLAIN, *, size=None, resume=None):
        return WatchedUpload(self, self._store.upload(key, options, size=size, resume=resume))


class Arrived:
    """What `Watched.open` gives: the bytes of its `get`, in pieces."""

    def __init__(self, info, data):
        self.info, self._data = info, data

    def __iter__(self):
        half = len(self._data) // 2
        yield self._data[:half]
        yield self._data[half:]

    def close(self):
        pass


class WatchedUpload:
    def __init__(self, store, upload):
        self.id, self.part_size = upload.id, upload.part_size
        self.have, self.complete, self.abort = upload.have, upload.complete, upload.abort
        self._store, self._upload = store, upload

    def part(self, number, data):
        self._store.before_part()
        self._store.pass_one(self._store.parts, number)
        self._upload.part(number, data)
