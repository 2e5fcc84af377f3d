"""Whatever happens between S3 and us: never half an object, never a loss without a word, and one exact error."""

from collections import Counter

import pytest

from cloudlayer.errors import IntegrityError, NotFound, Throttled, TransientError
from cloudlayer.storage import registry
from tests.storage.faults.proxy import KINDS, Fault, Proxy
from tests.storage.faults.runs import Lane, run_all

LANES = 4


SIGNED = {"access_key": "key", "secret_key": "secret"}


def connected(look_alike, address, **account):
    settings = {"endpoint": address, "region": "us-east-1", "path_style": True, "timeout": "3s", **(account or SIGNED)}
    return registry.connect("s3", look_alike.bucket, "s3", settings)


@pytest.fixture(scope="module")
def connected_lanes(look_alike, tmp_path_factory):
    direct, folder = connected(look_alike, look_alike.endpoint), tmp_path_factory.mktemp("lanes")
    proxies = [Proxy(look_alike.endpoint) for _ in range(LANES)]
    made = [Lane(connected(look_alike, proxy.address), proxy, direct, folder) for proxy in proxies]
    yield made
    for lane in made:
        lane.store.close()
        lane.proxy.close()
    direct.close()


@pytest.fixture
def lanes(connected_lanes, waited):
    yield connected_lanes
    for lane in connected_lanes:
        lane.proxy.plan()


def look(ended):
    """Every fault was met, and what was asked for was done as often as not."""
    met = Counter(kind for _, _, faults in ended for kind, _ in faults)
    assert met.keys() == set(KINDS)
    outcomes = Counter(outcome for _, outcome, _ in ended)
    assert outcomes["done"] > len(ended) // 4, outcomes


def test_some_hundred_runs_with_faults(lanes):
    look(run_all(lanes, range(400)))


@pytest.mark.objects
@pytest.mark.timeout(600)
@pytest.mark.parametrize("thousand", range(1, 5))
def test_some_thousand_runs_with_faults(lanes, thousand):
    look(run_all(lanes, range(thousand * 1000, thousand * 1000 + 1000)))


@pytest.fixture
def lane(lanes):
    lanes[0].direct.put("steady/object", b"what was put " * 100)
    return lanes[0]


LASTING = {
    "refuse": TransientError,
    "cut_request": TransientError,
    "cut_answer": TransientError,
    "lose_answer": TransientError,
    "error_500": TransientError,
    "error_after": TransientError,
    "error_503": (TransientError, Throttled),
    "error_503_retry_after": (TransientError, Throttled),
}


@pytest.mark.parametrize("kind", LASTING)
@pytest.mark.parametrize("verb", ["get", "open", "head", "put", "delete", "list"])
def test_a_fault_that_lasts_is_one_exact_error(lane, kind, verb):
    lane.proxy.plan(forever=Fault(kind, 0.4))
    calls = {
        "get": lambda: lane.store.get("steady/object"),
        "open": lambda: b"".join(lane.store.open("steady/object")),
        "head": lambda: lane.store.head("steady/object"),
        "put": lambda: lane.store.put("steady/new", b"new"),
        "delete": lambda: lane.store.delete("steady/gone"),
        "list": lambda: list(lane.store.list("steady/")),
    }
    with pytest.raises(LASTING[kind]) as caught:
        calls[verb]()
    assert caught.value.provider == lane.store.uri
    assert len(lane.proxy.met) > 1, "it was not tried again"


@pytest.mark.parametrize("kind", ["flip_answer", "short_answer"])
@pytest.mark.parametrize("read", ["get", "open"])
def test_bytes_that_are_wrong_each_time_are_an_integrity_error(lane, kind, read):
    lane.proxy.plan(forever=Fault(kind, 0.5))
    with pytest.raises(IntegrityError) as caught:
        b"".join(lane.store.open("steady/object")) if read == "open" else lane.store.get("steady/object")
    assert caught.value.provider == lane.store.uri


@pytest.mark.parametrize("account", [SIGNED, {"anonymous": True}, {**SIGNED, "checksum": "SHA256"}])
def test_bytes_that_change_on_the_way_to_the_store_are_refused_by_it(lane, look_alike, account):
    store = connected(look_alike, lane.proxy.address, **account)
    lane.proxy.plan(forever=Fault("flip_request", 0.5))
    with pytest.raises(IntegrityError):
        store.put("steady/changed", b"what is put " * 100)
    store.close()
    with pytest.raises(NotFound):
        lane.direct.head("steady/changed")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_that_passes_is_not_noticed(lane, kind):
    """Where the call may be made again; bytes that arrived wrong are asked for anew."""
    for call in (
        lambda: lane.store.put("steady/new", b"new"),
        lambda: lane.store.head("steady/object"),
        lambda: list(lane.store.list("steady/")),
    ):
        lane.proxy.plan([Fault(kind, 0.5)])
        call()
    assert lane.direct.get("steady/new") == b"new"


def test_the_store_is_given_the_time_that_it_asks_for(lane, waited):
    lane.proxy.plan([Fault("error_503_retry_after")] * 2)
    assert lane.store.get("steady/object").startswith(b"what was put")
    assert max(waited) >= 3, waited
