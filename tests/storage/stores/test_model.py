"""memory and file against a model: whatever is done in whatever order, the store has what a dictionary would have."""

import shutil
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from cloudlayer.errors import AlreadyExists, Changed, Conflict, IntegrityError, InvalidSpec, NotFound
from cloudlayer.storage import registry
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import PutOptions

NAMES = st.sampled_from(["a", "b", "a b", "a-", "ü", "%2F", "\U0001f600", "\ufb00"])
KEYS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
DATA = st.binary(max_size=12)
PART = 4


class Model(RuleBasedStateMachine):
    uploads = Bundle("uploads")
    scheme = ""

    @initialize()
    def connect(self):
        self.folder = Path(tempfile.mkdtemp())
        authority, self.root = ("", f"{self.folder}/"[1:]) if self.scheme == "file" else (uuid4().hex, "x/")
        self.store = registry.connect(self.scheme, authority, self.scheme, {"part_size": PART})
        self.model = {}
        self.etags = set()

    def teardown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def stands_in_the_way(self, key):
        """Of a file system: a file where a folder is to be, or a folder (which stays) where a file is to be."""
        if self.scheme == "memory":
            return False
        parts = key.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        return bool(above & self.model.keys()) or (self.folder / key).is_dir()

    def put_as(self, key, data, put, options):
        """Put, and hold what came of it against the model."""
        there = self.model.get(key)
        if self.stands_in_the_way(key):
            with pytest.raises(Conflict):
                put(options)
        elif options.if_absent and there is not None:
            with pytest.raises(AlreadyExists):
                put(options)
        elif options.if_match is not None and there is None:
            with pytest.raises(NotFound):
                put(options)
        elif options.if_match is not None and there[1] != options.if_match:
            with pytest.raises(Changed):
                put(options)
        else:
            info = put(options)
            assert info.size == len(data)
            assert info.etag not in self.etags
            self.etags.add(info.etag)
            self.model[key] = data, info.etag

    def conditions(self, data, key):
        etag = self.model.get(key, (b"", "none"))[1]
        return data.draw(
            st.sampled_from([PutOptions(), PutOptions(if_absent=True), PutOptions(if_match=etag), PutOptions(if_match="x")])
        )

    @rule(key=KEYS, content=DATA, data=st.data())
    def put(self, key, content, data):
        self.put_as(key, content, lambda options: self.store.put(self.root + key, content, options), self.conditions(data, key))

    @rule(key=KEYS, other=KEYS, data=st.data())
    def copy(self, key, other, data):
        if key not in self.model:
            with pytest.raises(NotFound):
                self.store.copy(self.root + key, self.root + other)
        elif key == other:
            assert self.store.copy(self.root + key, self.root + other).etag == self.model[key][1]
        else:
            options = self.conditions(data, other)
            self.put_as(
                other,
                self.model[key][0],
                lambda options: self.store.copy(self.root + key, self.root + other, options),
                options,
            )

    @rule(target=uploads, key=KEYS)
    def begin(self, key):
        if self.stands_in_the_way(key):
            with pytest.raises(Conflict):
                self.store.upload(self.root + key)
            return multiple()
        return {"key": key, "upload": self.store.upload(self.root + key), "data": b""}

    @rule(begun=uploads, content=st.binary(min_size=PART, max_size=PART))
    def part(self, begun, content):
        if begun["upload"] is not None and len(begun["data"]) % PART == 0:
            begun["upload"].part(len(begun["data"]) // PART + 1, content)
            begun["data"] += content

    @rule(begun=uploads, last=st.binary(max_size=PART - 1), wrong=st.booleans())
    def complete(self, begun, last, wrong):
        upload, begun["upload"] = begun["upload"], None
        if upload is None:
            return
        if last:
            upload.part(len(begun["data"]) // PART + 1, last)
        whole = begun["data"] + last
        if wrong:
            with pytest.raises(IntegrityError):
                upload.complete(size=len(whole), crc32c=crc32c(whole) ^ 1)
            upload.abort()
        else:
            self.put_as(begun["key"], whole, lambda _: upload.complete(size=len(whole), crc32c=crc32c(whole)), PutOptions())
            upload.abort()

    @rule(begun=uploads)
    def resume(self, begun):
        if begun["upload"] is not None and not self.stands_in_the_way(begun["key"]):
            begun["upload"] = self.store.upload(self.root + begun["key"], resume=begun["upload"].id)
            data = begun["data"]
            assert begun["upload"].have() == {at // PART + 1: crc32c(data[at : at + PART]) for at in range(0, len(data), PART)}

    @rule(begun=uploads)
    def discard(self, begun):
        upload, begun["upload"] = begun["upload"], None
        if upload is not None:
            found = {told.id: told for told in self.store.uploads(self.root)}
            assert found[upload.id].key == self.root + begun["key"]
            self.store.discard(found[upload.id])
            assert upload.id not in {told.id for told in self.store.uploads(self.root)}
            with pytest.raises(NotFound):
                self.store.upload(self.root + begun["key"], resume=upload.id)

    @rule(key=KEYS, condition=st.sampled_from(["none", "right", "wrong"]))
    def delete(self, key, condition):
        there = self.model.get(key)
        match = {"none": None, "right": there and there[1], "wrong": "x"}[condition]
        if match is not None and there is None:
            with pytest.raises(NotFound):
                self.store.delete(self.root + key, if_match=match)
        elif match == "x":
            with pytest.raises(Changed):
                self.store.delete(self.root + key, if_match=match)
        else:
            self.store.delete(self.root + key, if_match=match)
            self.model.pop(key, None)

    @rule(key=KEYS, start=st.none() | st.integers(-14, 14), end=st.none() | st.integers(1, 14))
    def read(self, key, start, end):
        if key not in self.model:
            for verb in (self.store.get, self.store.open, self.store.head):
                with pytest.raises(NotFound):
                    verb(self.root + key)
            return
        content, etag = self.model[key]
        assert self.store.head(self.root + key).etag == etag
        wanted = content[start:end]
        if not wanted and (start, end) != (None, None):
            with pytest.raises(InvalidSpec):
                self.store.get(self.root + key, start=start, end=end)
        else:
            assert self.store.get(self.root + key, start=start, end=end, if_match=etag) == wanted
            assert b"".join(self.store.open(self.root + key, start=start, end=end)) == wanted

    @rule(prefix=st.just("") | KEYS | KEYS.map(lambda key: f"{key}/"), after=st.just("") | KEYS, shallow=st.booleans())
    def listed(self, prefix, after, shallow):
        meant = [key for key in sorted(self.model) if key.startswith(prefix) and key > after]
        folders = [key for key in meant if shallow and "/" in key[len(prefix) :]]
        whole = self.root + after if after else ""
        pages = list(self.store.list(self.root + prefix, shallow=shallow, after=whole))
        found = [info.key.removeprefix(self.root) for page in pages for info in page.objects]
        assert found == [key for key in meant if key not in folders]
        expected = {prefix + key[len(prefix) :].partition("/")[0] + "/" for key in folders}
        told = {folder.removeprefix(self.root) for page in pages for folder in page.folders}
        assert expected <= told
        if self.scheme == "memory":
            assert expected == told

    @invariant()
    def all_is_there_and_nothing_else(self):
        found = {info.key.removeprefix(self.root): info for page in self.store.list(self.root) for info in page.objects}
        assert {key: (info.size, info.etag) for key, info in found.items()} == {
            key: (len(content), etag) for key, (content, etag) in self.model.items()
        }


class MemoryModel(Model):
    scheme = "memory"


class FileModel(Model):
    scheme = "file"


TestMemory = MemoryModel.TestCase
TestFile = FileModel.TestCase
TestMemory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestFile.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
