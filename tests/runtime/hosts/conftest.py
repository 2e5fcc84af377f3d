"""Connections to hosts, ended after each test, in folders with names short enough for sockets."""

import http.client
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from cloudlayer.interfaces import Deadline
from cloudlayer.runtime.hosts.ssh import SshHost

ENGINE = "unix:/run/docker.sock"


@pytest.fixture
def folder():
    """A folder with a short name."""
    made = Path(tempfile.mkdtemp(prefix="ch-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def connect(folder):
    """`connect(access)` is a host that has been connected to; `connect(access, wait=False)` one that is about to be."""
    made = []

    def to(access, *, name="box", wait=True, **options):
        host = SshHost(access, name=name, folder=options.pop("folder", folder / name), **options)
        made.append(host)
        if wait:
            assert host.wait_connected(Deadline.after(10)), host.reason
        return host

    yield to
    for host in made:
        host.end()


@pytest.fixture
def box(hosts):
    return hosts(1)[0]


@pytest.fixture
def host(connect, box):
    return connect(box.access())


def ping(address):
    """What an engine says through a forward."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(address.removeprefix("unix:"))
        talk = http.client.HTTPConnection("engine")
        talk.sock = connection
        talk.request("GET", "/_ping")
        return talk.getresponse().read().decode()
