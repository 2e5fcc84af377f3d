"""Where the tests of file systems have their objects: `blob` stands for a new place of a store."""

from contextlib import contextmanager
from uuid import uuid4

import pytest

from benchmarks.objects_server import serving
from cloudlayer.storage.filesystem import BlobFileSystem


@pytest.fixture(scope="session")
def s3_server():
    """The look-alike of S3 that ships with the benchmark."""
    with serving() as server:
        yield server


@pytest.fixture(
    params=[
        "memory",
        "file",
        "s3",
        pytest.param("az", marks=pytest.mark.objects),
        pytest.param("hdfs", marks=pytest.mark.objects),
    ]
)
def stores(request, tmp_path):
    """What a client is connected with, so that blob:// is empty."""
    name = uuid4().hex
    if request.param == "memory":
        return {"blob": {"uri": f"memory://{name}/data"}}
    if request.param == "file":
        return {"blob": {"uri": f"file://{tmp_path}/data"}}
    if request.param == "s3":
        server = request.getfixturevalue("s3_server")
        account = {"endpoint": server.endpoint, "region": "us-east-1", "access_key": "key", "secret_key": "secret"}
        return {"blob": {"uri": f"s3://{server.bucket}/{name}"}, "s3": account}
    place = request.getfixturevalue({"az": "azurite", "hdfs": "hdfs"}[request.param]).fresh()
    return {"blob": {"uri": f"{place.uri}data"}, **place.stores}


@pytest.fixture
def fs(stores):
    """A file system over blob://, empty."""
    return BlobFileSystem(stores=stores)


@contextmanager
def configured(stores, tmp_path, monkeypatch):
    """The same by the configuration file, so that blob:// means it everywhere."""
    lines = [line for name, section in stores.items() for line in (f'[stores."{name}"]', *_settings(section))]
    path = tmp_path / "config.toml"
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    monkeypatch.setenv("CLOUDLAYER_CONFIG", str(path))
    BlobFileSystem.clear_instance_cache()
    yield
    BlobFileSystem.clear_instance_cache()


def _settings(section):
    for name, value in section.items():
        text = str(value).lower() if isinstance(value, bool) else f'"{value}"'
        yield f"{name} = {text}"
