"""Servers for the clouds' stores, as processes of their own: moto's S3, Azurite, and the emulator of Cloud Storage.

Each fixture gives a server with `fresh()`: a new bucket or container, and the settings that reach it.
"""

import contextlib
import socket
import subprocess
import sys
import time
import uuid

import boto3
import pytest
import requests
from azure.storage.blob import BlobServiceClient
from botocore.config import Config

from tests.storage.servers_others import Place, Server

AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key of the emulator's only account; its documentation publishes it."""


class Moto:
    """moto's server. `address` is its URL; any key is the right one."""

    def __init__(self, address):
        self.address = address
        self.settings = {
            "endpoint": address,
            "region": "us-east-1",
            "access_key": "AKIDFORTESTS",
            "secret_key": "secret-key-of-tests",
            "path_style": True,
        }

    def client(self):
        """A client that has nothing to do with ours."""
        return boto3.client(
            "s3",
            endpoint_url=self.address,
            region_name="us-east-1",
            aws_access_key_id=self.settings["access_key"],
            aws_secret_access_key=self.settings["secret_key"],
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def fresh(self):
        """An empty bucket."""
        name = _name()
        self.client().create_bucket(Bucket=name)
        return Place("s3", name, self.settings, lambda: None)


class Azurite(Server):
    """Azurite of dev/objects."""

    def __init__(self):
        super().__init__("azurite")

    def service(self):
        """A client that has nothing to do with ours."""
        return BlobServiceClient(self.variables["AZURITE_ENDPOINT"], credential=AZURITE_KEY, retry_total=0)

    def fresh(self):
        """An empty container."""
        name = _name()
        self.service().create_container(name)
        settings = {
            "endpoint": self.variables["AZURITE_ENDPOINT"],
            "account": "devstoreaccount1",
            "account_key": AZURITE_KEY,
        }
        return self.place("az", name, settings, lambda: self.service().delete_container(name))


class CloudStorage:
    """gcp-storage-emulator. It heeds no precondition, and tells a list as one page whatever was asked for."""

    def __init__(self, address):
        self.address = address

    def fresh(self):
        """An empty bucket."""
        name = _name()
        requests.post(f"{self.address}/storage/v1/b", json={"name": name}, timeout=10).raise_for_status()
        return Place("gs", name, {"endpoint": self.address, "anonymous": True}, lambda: None)


def _name():
    return f"cloudlayer-tests-{uuid.uuid4().hex[:12]}"


@contextlib.contextmanager
def _process(*command):
    """A server that is told its port by "{port}"; gives its URL once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, *(word.format(port=port) for word in command)]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _answering(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(20)


def _answering(address, process, seconds=60):
    end = time.monotonic() + seconds
    while True:
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        with contextlib.suppress(requests.ConnectionError):
            requests.get(address, timeout=10)
            return address
        assert time.monotonic() < end, f"{process.args} does not answer"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def moto_s3():
    """moto's S3, up."""
    with _process("-m", "tests.storage.moto_server", "-H", "127.0.0.1", "-p", "{port}") as address:
        yield Moto(address)


@pytest.fixture(scope="session")
def azurite():
    """Azurite, up."""
    server = Azurite()
    try:
        yield server.up()
    finally:
        server.down()


@pytest.fixture(scope="session")
def gcs():
    """The emulator of Cloud Storage, up."""
    with _process("-m", "tests.storage.gcs_server", "start", "-H", "127.0.0.1", "--port", "{port}", "-q", "-M") as address:
        yield CloudStorage(address)
