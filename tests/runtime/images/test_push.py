"""Images come into the registry whole, each layer once, whatever breaks on the way."""

import gzip
import http.client
import json
import os
import random
import signal
import socket

import pytest

from cloudlayer.errors import TransientError
from cloudlayer.runtime.docker.registry import own
from cloudlayer.runtime.docker.registry import push as pushing
from cloudlayer.runtime.docker.registry.client import Client
from cloudlayer.runtime.docker.registry.push import push
from tests.runtime.images.conftest import digest, saved

pytestmark = pytest.mark.registry
MIB = 2**20


def layer(seed, size=2 * MIB):
    return random.Random(seed).randbytes(size)


def fetch(server, path):
    connection = http.client.HTTPConnection("localhost")
    with socket.socket(socket.AF_UNIX) as connection.sock:
        connection.sock.connect(str(server.writer))
        kinds = "application/vnd.docker.distribution.manifest.v2+json"
        connection.request("GET", f"/v2/function/{path}", headers={"Accept": kinds})
        answer = connection.getresponse()
        assert answer.status == 200, path
        return answer.read()


def layers_of(server, manifest):
    """(what each layer of an image unpacks to, what its configuration says of that)."""
    document = json.loads(fetch(server, f"manifests/{manifest}"))
    config = json.loads(fetch(server, f"blobs/{document['config']['digest']}"))
    return [gzip.decompress(fetch(server, f"blobs/{each['digest']}")) for each in document["layers"]], config["rootfs"][
        "diff_ids"
    ]


@pytest.mark.parametrize("old", [True, False])
def test_what_is_pulled_is_what_was_saved(engine, server, client, catalogue, old):
    content = [layer(1), b"small", layer(2)]
    entry = push(engine({"a:b": saved(content, old=old)}), "a:b", client, catalogue)
    assert layers_of(server, entry.manifests[-1]) == (content, [digest(each) for each in content])


def test_the_image_keeps_its_id(engine, server, client, catalogue):
    content = saved([b"x"])
    entry = push(engine({"a:b": content}), "a:b", client, catalogue)
    config = json.loads(fetch(server, f"manifests/{entry.manifests[-1]}"))["config"]["digest"]
    assert config.removeprefix("sha256:").encode() in content  # the engine names an image by its configuration


def uploads(client, monkeypatch):
    """The sizes of what is uploaded from now on."""
    sizes, upload = [], client.upload

    def counted(content):
        blob = upload(content)
        sizes.append(blob.size)
        return blob

    monkeypatch.setattr(client, "upload", counted)
    return sizes


@pytest.mark.parametrize("old", [True, False])
def test_a_second_version_sends_what_is_new(engine, client, catalogue, monkeypatch, old):
    shared, small = layer(1), b"small, and shared too"
    images = {"a:1": saved([shared, small, layer(2)], old=old), "a:2": saved([shared, small, layer(3)], old=old)}
    push(engine(images), "a:1", client, catalogue)
    sizes = uploads(client, monkeypatch)
    push(engine(images), "a:2", client, catalogue)
    assert sum(sizes) < 2 * MIB + 10_000


def test_lower_parts_are_images_of_their_own(engine, server, client, catalogue, monkeypatch):
    monkeypatch.setattr(pushing, "_PART_SIZE", MIB)
    content = [layer(seed) for seed in range(4)]
    entry = push(engine({"a:b": saved(content)}), "a:b", client, catalogue)
    found = [layers_of(server, manifest)[0] for manifest in entry.manifests]
    assert found == [content[:count] for count in range(1, 5)]


def test_after_a_break_the_next_push_sends_the_rest_alone(engine, server, client, catalogue, wire, monkeypatch):
    content = [layer(1, 5 * MIB), layer(2, 5 * MIB)]
    images = {"a:b": saved(sorted(content, key=digest), old=False)}  # in the order in which they come
    broken = Client(wire(7 * MIB, 100).path, "function")
    with pytest.raises(TransientError, match="does not answer"):
        push(engine(images), "a:b", broken, catalogue)
    broken.close()
    sent = uploads(client, monkeypatch)
    entry = push(engine(images), "a:b", client, catalogue)
    assert sorted(layers_of(server, entry.manifests[-1])[0]) == sorted(content)
    assert sum(sent) < 6 * MIB


@pytest.mark.parametrize("name", ["writer", "reader"])
def test_a_push_goes_on_though_the_registry_dies(engine, server, name):
    registry, killed = own.Own(server._folder), []

    class Killing(dict):
        def __getitem__(self, key):
            if not killed:
                (process,) = getattr(server, f"_{name}").running()
                killed.append(os.kill(process, signal.SIGKILL))
            return super().__getitem__(key)

    content = [layer(1)]
    manifests = registry.push("a:b", engine(Killing({"a:b": saved(content)})))
    assert layers_of(server, manifests[-1])[0] == content
    registry.close()


def test_a_registry_that_is_not_there_may_be_tried_again(tmp_path):
    with pytest.raises(TransientError, match="does not answer"):
        Client(tmp_path / "nothing", "function").has_blob(digest(b""))


def test_a_push_counts_though_the_registry_cannot_be_tidied_after_it(engine, server, monkeypatch, caplog):
    registry = own.Own(server._folder)

    def failing(client, daemon):
        raise TransientError("out of time while tidying the registry", code="deadline")

    monkeypatch.setattr(registry, "_tidy", failing)
    content = [layer(1)]
    manifests = registry.push("a:b", engine({"a:b": saved(content)}))
    assert layers_of(server, manifests[-1])[0] == content
    assert "tidied another day" in caplog.text
    registry.close()


def test_images_that_nobody_asks_for_leave_the_disk(engine, server, client, catalogue, tmp_path, monkeypatch):
    registry = own.Own(server._folder)
    images = {f"a:{number}": saved([layer(0), layer(number)]) for number in (1, 2)}
    registry.push("a:1", engine(images))
    monkeypatch.setattr("cloudlayer.runtime.docker.registry.catalogue.MOST_RECENT", 0)
    monkeypatch.setattr("cloudlayer.runtime.docker.registry.catalogue.KEPT_SECONDS", -1.0)
    monkeypatch.setattr(own, "_TIDY_EVERY", -1.0)
    entry = catalogue.get("a:1")
    registry.push("a:2", engine(images))
    assert registry.find("a:1", engine({})) == ()
    assert not any(client.has_blob(each.digest) for each in entry.layers.values())
    registry.close()
