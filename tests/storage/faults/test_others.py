"""Whatever happens between the other stores and us: the same promises as for S3, on their own servers."""

from collections import Counter
from urllib.parse import urlsplit

import pytest

from cloudlayer.storage import registry
from tests.storage.faults import wire
from tests.storage.faults.proxy import KINDS, Proxy
from tests.storage.faults.runs import Lane, run_all

pytestmark = [pytest.mark.objects, pytest.mark.timeout(300)]
SHORT = {"timeout": "3s", "connect_timeout": "3s"}


@pytest.fixture
def lane(tmp_path, waited):
    """Makes a lane of a place; what it opened is closed after the test."""
    opened = []

    def make(place, proxy, reached, kinds):
        made = Lane(reached, proxy, place.connect(), tmp_path, kinds)
        opened.extend((made.store, made.direct, proxy))
        return made

    yield make
    for one in opened:
        one.close()


def look(ended, kinds):
    assert {kind for _, _, met in ended for kind, _ in met} == set(kinds)
    outcomes = Counter(outcome for _, outcome, _ in ended)
    assert outcomes["done"] > len(ended) // 5, outcomes


def test_az(azurite, lane):
    place = azurite.fresh()
    endpoint = urlsplit(place.settings["endpoint"])
    proxy = Proxy(place.settings["endpoint"])
    reached = place.connect(endpoint=f"{proxy.address}{endpoint.path}", **SHORT)
    look(run_all([lane(place, proxy, reached, KINDS)], range(400)), KINDS)


def test_swift(swift, lane):
    place = swift.fresh()
    storage = urlsplit(swift.variables["SWIFT_STORAGE_URL"])
    proxy = Proxy(f"{storage.scheme}://{storage.netloc}")
    reached = place.connect(endpoint=f"{proxy.address}{storage.path}", **SHORT)
    look(run_all([lane(place, proxy, reached, KINDS)], range(120)), KINDS)


def behind_a_wire(place, **changes):
    host, _, port = place.authority.rpartition(":")
    proxy = wire.Wire(host, int(port))
    settings = {**place.settings, **SHORT, **changes}
    return proxy, registry.connect(place.scheme, f"127.0.0.1:{proxy.port}", place.scheme, settings)


def test_hdfs(hdfs, lane):
    place = hdfs.fresh()
    proxy, reached = behind_a_wire(place)
    look(run_all([lane(place, proxy, reached, wire.KINDS)], range(200)), wire.KINDS)


def test_sftp(sshd, lane):
    place = sshd.fresh()
    proxy, reached = behind_a_wire(place, host_key_alias=f"[{place.authority.replace(':', ']:')}")
    look(run_all([lane(place, proxy, reached, wire.KINDS)], range(90)), wire.KINDS)
