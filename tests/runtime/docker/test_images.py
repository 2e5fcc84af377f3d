"""Images: built from a source folder once for the same content, or pulled, each failure with its own words."""

import gzip
import hashlib
import http.server
import io
import json
import os
import re
import socket
import tarfile
import threading
import uuid
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import docker
import pytest

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.docker.build import Base, dockerfile, tag_of, write_context
from cloudlayer.runtime.registry import connect_engine
from cloudlayer.runtime.sources import source_digest

USES_GREETING = "import greeting\n\ndef apply(input):\n    return [greeting.WORDS]\n"


@pytest.fixture(autouse=True)
def built():
    """Ids of the images of functions that the engine has, by a call. What a test adds is removed after its replicas."""
    client = docker.APIClient(base_url=os.environ.get("DOCKER_HOST") or None, version="auto")

    def ids():
        return {image["Id"] for image in client.images(name="cloudlayer/function")}

    before = ids()
    yield ids
    for image in ids() - before:
        client.remove_image(image, force=True)
    client.close()


@pytest.fixture
def words():
    """New in each test: what was built before must not count."""
    return uuid.uuid4().hex


@pytest.fixture
def source(tmp_path, words):
    folder = tmp_path / "function"
    folder.mkdir()
    (folder / "main.py").write_text("def apply(input):\n    return [open('words.txt').read()]\n")
    (folder / "words.txt").write_text(words)
    return folder


def test_the_same_source_is_built_once_and_a_changed_one_anew(fleet, engine, source, built, words):
    before = built()
    engine.prepare(fleet.spec(source=source))
    once = built()
    engine.prepare(fleet.spec(source=source))
    assert built() == once
    (source / "words.txt").write_text(f"other {words}")
    engine.prepare(fleet.spec(source=source))
    assert (len(once - before), len(built() - once)) == (1, 1)


def test_a_function_finds_its_files_in_its_working_directory(fleet, engine, source, words):
    assert fleet.look(fleet.ready(engine, source=source), "") == words


def at_once(calls):
    """What went wrong in any of these calls, all made at the same time."""
    failures = []

    def caught(call):
        try:
            call()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=caught, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return failures


def test_many_that_need_one_image_at_once_wait_for_one_build(fleet, engine, source, built):
    before, spec = built(), fleet.spec(source=source)
    assert at_once([lambda: fleet.engine().prepare(spec)] * 4) == []
    assert len(built() - before) == 1


def test_homes_that_share_an_engine_look_into_a_base_at_once(fleet, source):
    homes = [replace(fleet.machine(name), cache=fleet.folder / name / "cache") for name in "abcd"]
    fleet.engines += [connect_engine("docker", home) for home in homes]
    assert at_once([partial(engine.prepare, fleet.spec(source=source)) for engine in fleet.engines]) == []


def test_what_was_deployed_runs_even_if_the_folder_changes(fleet, engine, source, words):
    spec = fleet.spec(source=source, source_digest=source_digest(source))
    engine.prepare(spec)
    (source / "words.txt").write_text("changed afterwards")
    engine.start(spec)
    status = engine.wait(spec.id, deadline=Deadline.after(20))
    assert fleet.look(status, "") == words


def test_a_context_is_the_same_bytes_for_the_same_content(source):
    contexts = [io.BytesIO(), io.BytesIO()]
    write_context(contexts[0], "FROM x", source, None)
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "main.pyc").write_bytes(b"x")
    (source / ".git").mkdir()
    (source / "main.py").touch()
    write_context(contexts[1], "FROM x", source, None)
    assert contexts[0].getvalue() == contexts[1].getvalue()


def test_the_name_changes_with_the_base_and_the_source():
    assert len({tag_of("sha256:a", "1"), tag_of("sha256:b", "1"), tag_of("sha256:a", "2")}) == 3


def test_requirements_come_before_the_source():
    lines = dockerfile("x", Base("3.11", True, "/packages"), requirements=True).splitlines()
    run = next(number for number, line in enumerate(lines) if '"install"' in line)
    assert run < lines.index("COPY function ./")


def greeting_wheel():
    """A wheel of a package `greeting`, as (file name, content)."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        wheel.writestr("greeting.py", "WORDS = 'hello from a package'\n")
        wheel.writestr("greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        wheel.writestr("greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("greeting-1.0.dist-info/RECORD", "")
    return "greeting-1.0-py3-none-any.whl", content.getvalue()


def test_requirements_are_installed_by_this_host_where_the_base_has_no_pip(fleet, engine, source, tmp_path):
    name, content = greeting_wheel()
    (tmp_path / name).write_bytes(content)
    (source / "main.py").write_text(USES_GREETING)
    (source / "requirements.txt").write_text(f"--no-index\n{tmp_path / name}\n")
    assert fleet.look(fleet.ready(engine, source=source), "") == "hello from a package"


def test_requirements_are_installed_in_the_image_where_the_base_has_pip(fleet, engine, source, image, serving, monkeypatch):
    name, content = greeting_wheel()
    index = serving({"/simple/greeting/": ("text/html", f'<a href="/{name}">{name}</a>'.encode()), f"/{name}": ("", content)})
    monkeypatch.setenv("CLOUDLAYER_BASE_IMAGE", image("COPY pip /usr/lib/python3/dist-packages/pip", files=own_pip()))
    (source / "main.py").write_text(USES_GREETING)
    address = f"http://{index}"
    trusted = f"--index-url {address}/simple\n--trusted-host {index.partition(':')[0]}\n"
    (source / "requirements.txt").write_text(f"{trusted}greeting==1.0\n")
    assert fleet.look(fleet.ready(engine, source=source), "") == "hello from a package"
    (source / "requirements.txt").write_text(f"{trusted}no-such-package==9\n")
    with pytest.raises(EngineError, match="No matching distribution found for no-such-package"):
        engine.prepare(fleet.spec(source=source))


def own_pip():
    """The files of the pip that runs here."""
    import pip

    folder = Path(pip.__file__).parent
    files = [path for path in folder.rglob("*") if path.suffix in (".py", ".pem", ".txt")]
    return [(f"pip/{path.relative_to(folder)}", path.read_text()) for path in files]


def test_a_base_without_python_says_which_setting_to_mend(fleet, engine, source, image, monkeypatch):
    monkeypatch.setenv("CLOUDLAYER_BASE_IMAGE", image('RUN ["rm", "/usr/bin/python3.11"]'))
    with pytest.raises(EngineError, match="python3"):
        engine.prepare(fleet.spec(source=source))


REFUSALS = {
    401: b'{"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}',
    403: b'{"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}',
    404: b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}',
}


@pytest.fixture
def serving():
    """Serves documents, by path, at an address of this host; a path may lead to an HTTP status instead. Returns host:port."""
    servers = []

    def serve(documents, host=""):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = documents.get(self.path, 404)
                kind, content = ("application/json", REFUSALS.get(found, b"{}")) if isinstance(found, int) else found
                self.send_response(found if isinstance(found, int) else 200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                if found == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="registry"')
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else content)

            do_HEAD = do_GET  # noqa: N815  (named by the standard library)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((host, 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"{host or own_address()}:{server.server_address[1]}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.200", 9))
        return probe.getsockname()[0]


def registry():
    """The documents of a registry that has the image test/tiny:1, of one file."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    packed = gzip.compress(layer.getvalue(), mtime=0)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer.getvalue())]},
    }
    kind, settings = "application/vnd.docker.", json.dumps(config).encode()
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": f"{kind}distribution.manifest.v2+json",
        "config": {"mediaType": f"{kind}container.image.v1+json", "size": len(settings), "digest": digest(settings)},
        "layers": [{"mediaType": f"{kind}image.rootfs.diff.tar.gzip", "size": len(packed), "digest": digest(packed)}],
    }).encode()  # fmt: skip
    told = (f"{kind}distribution.manifest.v2+json", manifest)
    blobs = {f"/v2/test/tiny/blobs/{digest(blob)}": ("application/octet-stream", blob) for blob in (settings, packed)}
    return {"/v2/": 200, "/v2/test/tiny/manifests/1": told, f"/v2/test/tiny/manifests/{digest(manifest)}": told, **blobs}


def digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_an_image_is_pulled_from_its_registry_once(fleet, engine, serving, caplog):
    reference = f"{serving(registry(), '127.0.0.1')}/test/tiny:1"
    spec = fleet.spec(image=reference)
    try:
        with caplog.at_level("INFO", logger="cloudlayer"):
            engine.prepare(spec)
            engine.prepare(spec)
        assert caplog.text.count("pulling the image") == 1
    finally:
        engine._client.remove_image(reference, force=True)


@pytest.mark.parametrize(
    ("documents", "error", "message"),
    [
        ({"/v2/": 200}, EngineError, "not known to its registry, or is private: check its name and tag"),
        ({"/v2/": 401}, EngineError, "docker login"),
        ({"/v2/": 200, "/v2/test/tiny/manifests/1": 403}, EngineError, "docker login"),
    ],
)
def test_an_image_that_cannot_be_had_says_why(fleet, engine, serving, documents, error, message):
    reference = f"{serving(documents, '127.0.0.1')}/test/tiny:1"
    with pytest.raises(error, match=re.escape(reference)) as caught:
        engine.prepare(fleet.spec(image=reference))
    assert message in str(caught.value)


def test_a_registry_that_is_not_there_may_be_asked_again_later(fleet, engine):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        reference = f"127.0.0.1:{taken.getsockname()[1]}/test/tiny:1"
        with pytest.raises(TransientError, match="cannot be reached"):
            engine.prepare(fleet.spec(image=reference))


def test_a_name_that_is_no_image_is_an_error_at_once(fleet, engine):
    with pytest.raises(EngineError, match="invalid reference format"):
        engine.prepare(fleet.spec(image="Not An Image"))
