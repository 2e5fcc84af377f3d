"""Seeded runs: one thing is asked of a store while faults come, and what is there afterwards is looked at past them.

Whatever happens: an object is the old one or the new one, whole; a put that returned is there; what is told as refused was not
done; and what is told is one exact error of ours, with the store's name.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cloudlayer.errors import AlreadyExists, Changed, CloudError, IntegrityError, NotFound, Throttled, TransientError
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import PLAIN, PutOptions
from cloudlayer.storage.transfers import download_file
from tests.storage.faults.proxy import KINDS, Fault

PASSING = (TransientError, Throttled, IntegrityError)
"""What a fault that the store could not mend may become."""


@dataclass
class Lane:
    """A store behind a proxy, and the same one past it. `kinds` are the faults that its server's protocol stands."""

    store: object
    proxy: object
    direct: object
    folder: object
    kinds: tuple = KINDS


class Run:
    """One run of one seed."""

    def __init__(self, lane, seed):
        self.lane, self.seed = lane, seed
        self.random = random.Random(seed)
        self.key = f"run-{seed}/object"
        self.old = self.random.choice([None, self.bytes("old")])
        self.new = self.bytes("new")
        self.etag = lane.direct.put(self.key, self.old).etag if self.old is not None else None

    def bytes(self, word):
        size = self.random.choice([0, 1, 37, 4096, 70_000])
        return f"{word} of {self.seed} ".encode() + self.random.randbytes(size)

    def go(self):
        """Do one thing, and look. Returns what became of it."""
        verbs = self.verbs()
        verb = self.random.choice(verbs)
        self.plan()
        try:
            ended = verb() or "done"
        except PASSING as error:
            assert error.provider == self.lane.store.uri, repr(error)
            assert str(error) and "Traceback" not in str(error)
            ended = type(error).__name__
        finally:
            met, self.lane.proxy.met = self.lane.proxy.met, []
            self.lane.proxy.plan()
        self.whole(verb)
        self.lane.direct.delete(self.key)
        return verb.__name__, ended, met

    def verbs(self):
        able = self.lane.store.capabilities
        verbs = [
            self.put,
            self.put,
            self.get,
            self.range,
            self.stream,
            self.delete,
            self.upload,
            self.fetch,
            self.copy,
            self.list,
        ]
        verbs += [self.head, self.race]
        if able["create_if_absent"]:
            verbs += [self.create, self.create, self.create_race, self.create_by_parts]
        if able["compare_and_swap"]:
            verbs += [self.swap, self.swap, self.count, self.delete_if]
        return verbs

    def plan(self):
        drawn = self.random
        faults = [Fault(drawn.choice(self.lane.kinds), drawn.random()) for _ in range(drawn.choice([1, 1, 1, 2, 2, 3, 5]))]
        if drawn.random() < 0.3:
            faults.insert(0, None)
        forever = faults[-1] if drawn.random() < 0.15 else None
        self.lane.proxy.plan(faults, forever)

    def there(self, key=None):
        """What is there, by who meets no fault."""
        try:
            return self.lane.direct.get(key or self.key)
        except NotFound:
            return None

    def whole(self, verb):
        """The object is the old one or a new one, and never a part of one."""
        found = self.there()
        assert found in (self.old, self.new, None, *self.allowed()), f"{verb.__name__} left {found!r:.80}"
        if self.old is not None and verb.__name__ in ("put", "create", "swap", "upload", "race", "create_race", "get", "list"):
            assert found is not None, f"{verb.__name__} has lost the object"

    def allowed(self):
        return getattr(self, "others", ())

    def written(self, write, refusal=()):
        """A write that returned is there; one that was refused is not; any other is or is not."""
        try:
            told = write()
        except refusal:
            assert self.there() == self.old
            return "refused"
        except PASSING:
            assert self.there() in (self.old, self.new)
            raise
        assert self.there() == self.new, "a put that returned is not there"
        if told is not None and told.crc32c is not None:
            assert told.crc32c == crc32c(self.new)
        return "done"

    def put(self):
        return self.written(lambda: self.lane.store.put(self.key, self.new))

    def create(self):
        """AlreadyExists is told of an object of others, and never of one's own."""
        refusal = AlreadyExists if self.old is not None else ()
        ended = self.written(lambda: self.lane.store.put(self.key, self.new, PutOptions(if_absent=True)), refusal)
        assert self.old is None or ended == "refused", "what was there was written over"
        return ended

    def create_by_parts(self):
        refusal = AlreadyExists if self.old is not None else ()
        return self.written(lambda: self.uploaded(PutOptions(if_absent=True)), refusal)

    def swap(self):
        if self.old is None:
            return "nothing to swap"
        stale = self.random.random() < 0.3
        if stale:
            self.lane.direct.put(self.key, self.old)
        refusal = Changed if stale else ()
        ended = self.written(lambda: self.lane.store.put(self.key, self.new, PutOptions(if_match=self.etag)), refusal)
        assert not stale or ended == "refused"
        return ended

    def upload(self):
        return self.written(self.uploaded)

    def uploaded(self, options=PLAIN):
        upload = self.lane.store.upload(self.key, options, size=len(self.new))
        upload.part(1, self.new)
        return upload.complete(size=len(self.new), crc32c=crc32c(self.new))

    def read(self, read, expected):
        """All of it, or an error: never a part, never another object's."""
        try:
            found = read()
        except NotFound:
            assert self.old is None, "an object that is there was not found"
            return "absent"
        assert self.old is not None
        assert found == expected, "what was read is not what is there"
        return "done"

    def get(self):
        return self.read(lambda: self.lane.store.get(self.key), self.old)

    def range(self):
        return self.read(lambda: self.lane.store.get(self.key, start=2, end=9), (self.old or b"")[2:9])

    def stream(self):
        return self.read(lambda: b"".join(self.lane.store.open(self.key)), self.old)

    def head(self):
        return self.read(lambda: self.lane.store.head(self.key).size, len(self.old or b""))

    def list(self):
        found = self.read_list()
        expected = [] if self.old is None else [self.key]
        assert found == expected, "a list was not whole"
        return "done"

    def read_list(self):
        return [item.key for page in self.lane.store.list(f"run-{self.seed}/") for item in page.objects]

    def fetch(self):
        """Into a file, which is there when it is whole."""
        path = self.lane.folder / f"{self.seed}"

        def fetched():
            download_file(self.lane.store, self.key, path)
            return path.read_bytes()

        try:
            return self.read(fetched, self.old)
        except PASSING:
            assert not path.exists(), "half a file is there"
            raise

    def copy(self):
        target = f"run-{self.seed}/copy"
        try:
            self.lane.store.copy(self.key, target)
        except NotFound:
            assert self.old is None
            return "absent"
        except PASSING:
            assert self.there(target) in (None, self.old)
            raise
        finally:
            copied = self.there(target)
            self.lane.direct.delete(target)
        assert copied == self.old
        return "done"

    def delete(self):
        try:
            self.lane.store.delete(self.key)
        except PASSING:
            assert self.there() in (None, self.old)
            raise
        assert self.there() is None
        return "done"

    def delete_if(self):
        if self.old is None:
            return "nothing to delete"
        try:
            self.lane.store.delete(self.key, if_match=self.etag)
        except PASSING:
            assert self.there() in (None, self.old)
            raise
        assert self.there() is None
        return "done"

    def race(self):
        """Two put at once: one of both is there, whole."""
        other = self.bytes("another")
        self.others = (other,)
        mine, theirs = self.both(lambda: self.lane.store.put(self.key, self.new), lambda: self.lane.direct.put(self.key, other))
        assert not isinstance(theirs, Exception), repr(theirs)
        assert self.there() in (self.new, other)
        return type(mine).__name__

    def create_race(self):
        """Two create at once: whoever was told that it is the first is, and a loser was told of the other's object."""
        if self.old is not None:
            self.lane.direct.delete(self.key)
            self.old = None
        other = self.bytes("another")
        self.others = (other,)
        first = PutOptions(if_absent=True)
        mine, theirs = self.both(
            lambda: self.lane.store.put(self.key, self.new, first), lambda: self.lane.direct.put(self.key, other, first)
        )
        found = self.there()
        if not isinstance(mine, Exception):
            assert found == self.new and isinstance(theirs, AlreadyExists)
        elif isinstance(mine, AlreadyExists):
            assert found == other and not isinstance(theirs, Exception), "AlreadyExists was told of one's own object"
        else:
            assert isinstance(mine, PASSING), repr(mine)
            assert found == (self.new if isinstance(theirs, AlreadyExists) else other)
        return type(mine).__name__

    def both(self, *calls):
        def tried(call):
            try:
                return call()
            except CloudError as error:
                return error

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(tried, calls))

    def count(self):
        """Steps of a counter, each under a condition: none is lost, and none is taken twice without a word."""
        self.lane.direct.put(self.key, b"0")
        done = unknown = 0
        for _ in range(4):
            try:
                reader = self.lane.store.open(self.key)
                value = int(b"".join(reader))
                self.lane.store.put(self.key, str(value + 1).encode(), PutOptions(if_match=reader.info.etag))
                done += 1
            except PASSING:
                unknown += 1
        found = self.there()
        self.others = (found,)
        assert done <= int(found) <= done + unknown, f"{found} after {done} steps and {unknown} unknown ones"
        return "done" if not unknown else "unknown"


def run_all(lanes, seeds):
    """All seeds, shared among the lanes; how often each thing ended how, and which faults were met."""
    seeds = list(seeds)

    def drive(place):
        ended = []
        for seed in seeds[place :: len(lanes)]:
            try:
                ended.append(Run(lanes[place], seed).go())
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
        return ended

    with ThreadPoolExecutor(len(lanes)) as pool:
        return [one for ended in pool.map(drive, range(len(lanes))) for one in ended]
