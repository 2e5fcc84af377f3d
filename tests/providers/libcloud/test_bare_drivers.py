"""A driver with the base interface alone: names carry attempts, and what cannot be promised is said."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests
from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
from libcloud.common.types import InvalidCredsError

from cloudlayer import InstanceSpec, connect
from cloudlayer.errors import (
    AuthError,
    CapacityError,
    Conflict,
    InvalidSpec,
    NotFound,
    RejectedSpec,
    Throttled,
    TransientError,
    UnknownCloudError,
    Unsupported,
)
from cloudlayer.providers.libcloud.adapters import ADAPTERS, Adapter
from cloudlayer.units import GIB

SPEC = InstanceSpec(name="one", machine_type="s", zone="here")


@pytest.fixture
def token():
    return str(uuid4())


def test_what_the_class_has_is_what_it_can_do(provider):
    can = provider.capabilities
    there = {"on_demand", "batch_create", "images", "volumes", "volume_snapshots", "load_balancing", "balancer_tcp"}
    assert all(can[name] for name in there)
    missing = {"labels", "idempotent_create", "prices", "stop_start", "user_data", "balancer_http", "snapshots_outlive_volumes"}
    assert [name for name in missing if can[name]] == []
    assert "sweep" in can["labels"].reason


def test_labels_that_nothing_would_keep_are_refused_before_any_call(bare, provider, token):
    with pytest.raises(Unsupported, match="nowhere to keep labels"):
        provider.compute.create(SPEC.model_copy(update={"labels": {"a": "b"}}), token=token)
    assert bare.calls == []


def test_a_name_carries_the_attempt_and_is_shown_as_it_was_asked_for(bare, provider, token):
    made = provider.compute.create(SPEC, token=token)
    (native,) = bare.nodes.values()
    assert native.name.startswith("one-") and native.name != "one"
    assert (made.name, provider.compute.get(made.id).name) == ("one", "one")
    assert (made.zone, made.machine_type, made.image) == ("here", "s", "i2")


def test_the_same_token_gives_the_same_instances_to_every_process(bare, connected, token):
    specs = [SPEC, SPEC.model_copy(update={"name": None})]
    answers = [[one.id for one in connected().compute.create_batch(specs, token=token)] for _ in range(2)]
    assert answers[0] == answers[1]
    assert bare.made == 2


def test_another_spec_under_a_used_token_is_a_conflict(bare, provider, token):
    provider.compute.create(SPEC, token=token)
    with pytest.raises(Conflict, match="another spec"):
        provider.compute.create(SPEC.model_copy(update={"machine_type": "l"}), token=token)
    assert bare.made == 1


def test_a_lost_answer_is_looked_for_before_the_call_is_repeated(bare, provider, token):
    bare.fault("create_node", requests.ConnectionError("reset"), after=True)
    made = provider.compute.create(SPEC, token=token)
    assert bare.made == 1
    assert bare.calls.count("create_node") == 1
    assert [one.id for one in provider.compute.list()] == [made.id]


def test_a_call_that_broke_before_it_took_effect_is_made_again(bare, provider, token):
    bare.fault("create_node", requests.ConnectTimeout("no answer"))
    provider.compute.create(SPEC, token=token)
    assert bare.made == 1


def test_a_deleted_instances_token_is_used_up_in_this_process(bare, provider, token):
    made = provider.compute.create(SPEC, token=token)
    provider.compute.delete([made.id])
    assert provider.compute.wait(made, "deleted").state == "deleted"
    provider.compute.delete([made.id])
    with pytest.raises(Conflict, match="make a new one"):
        provider.compute.create(SPEC, token=token)
    assert bare.made == 1


@pytest.mark.parametrize(
    ("raised", "error", "code"),
    [
        (InvalidCredsError("no"), AuthError, "401"),
        (RateLimitReachedError(headers={"retry-after": "7"}), Throttled, "429"),
        (BaseHTTPError(400, "no such size"), RejectedSpec, "400"),
        (BaseHTTPError(404, "gone"), NotFound, "404"),
        (BaseHTTPError(409, "busy"), Conflict, "409"),
        (BaseHTTPError(503, "later"), TransientError, "503"),
        (BaseHTTPError(507, "Insufficient capacity, perhaps"), UnknownCloudError, "BaseHTTPError"),
        (requests.ReadTimeout("url with ?UserData=secret"), TransientError, "ReadTimeout"),
        (ConnectionResetError("reset"), TransientError, "ConnectionResetError"),
        (KeyError("insufficient capacity"), UnknownCloudError, "KeyError"),
        (NotImplementedError("nope"), Unsupported, "NotImplementedError"),
        (Exception("the cloud has no more capacity"), UnknownCloudError, "Exception"),
    ],
)
def test_what_a_driver_raises_is_told_by_class_and_status(bare, provider, raised, error, code):
    for _ in range(6):
        bare.fault("list_nodes", raised)
    with pytest.raises(Exception) as caught:
        provider.compute.list()
    assert type(caught.value) is error
    assert not isinstance(caught.value, CapacityError)
    assert (caught.value.provider, caught.value.code) == ("libcloud:bare", code)
    assert "UserData" not in str(caught.value)


def test_a_clouds_wish_to_be_let_alone_is_waited_out(bare, provider):
    clock = provider.compute.clock
    bare.fault("list_nodes", RateLimitReachedError(headers={"retry-after": "30"}))
    before = clock.monotonic()
    assert provider.compute.list() == []
    assert clock.monotonic() - before >= 30


def test_no_secret_is_in_an_error_or_in_what_is_shown_of_the_options(bare, connected):
    bare.fault("list_nodes", Exception("401 for key hidden-secret"))
    provider = connected()
    with pytest.raises(UnknownCloudError) as caught:
        provider.compute.list()
    assert "hidden-secret" not in str(caught.value)
    with pytest.raises(InvalidSpec) as caught:
        connected(secrt="hidden-secret")
    assert "hidden-secret" not in str(caught.value)
    assert "did you mean secret" in str(caught.value)


def test_a_driver_is_never_used_by_two_threads_and_there_are_few(bare, provider):
    bare.hold = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(provider.compute.list) for _ in range(8)]
        for _ in range(400):
            if bare.together == 4:
                break
            threading.Event().wait(0.05)
        bare.hold.set()
        assert all(one.result() == [] for one in found)
    assert bare.together == bare.drivers == 4


def test_a_driver_that_cannot_be_made_is_an_error_of_each_call_and_blocks_none(bare, provider, monkeypatch):
    from tests.providers.libcloud.stand_ins import BareDriver

    with monkeypatch.context() as broken:
        broken.setattr(BareDriver, "connectionCls", None)
        for _ in range(6):
            with pytest.raises(UnknownCloudError):
                provider.compute.list()
    assert provider.compute.list() == []


def test_sizes_are_sold_where_the_driver_says_and_their_price_is_not_made_up(provider):
    offers = provider.compute.offers()
    assert {(offer.machine_type.name, offer.zone) for offer in offers} == {("s", "here"), ("l", "here"), ("l", "there")}
    assert [offer.price for offer in offers] == [None] * 3
    assert {offer.machine_type.name: offer.machine_type.cpu for offer in offers} == {"s": 1.0, "l": 4.0}


def test_a_region_is_one_of_the_drivers_locations(connected):
    there = connected("there")
    assert there.region == "there"
    assert {offer.zone for offer in there.compute.offers()} == {"there"}
    with pytest.raises(InvalidSpec, match="there"):
        connected("thare").compute.offers()


def test_instances_elsewhere_are_not_listed_in_a_region(connected, token):
    made = connected("here").compute.create(SPEC, token=token)
    assert connected("there").compute.list() == []
    assert [one.id for one in connected("here").compute.list()] == [made.id]
    assert [one.id for one in connected().compute.list()] == [made.id]


def test_images_are_found_by_id_name_or_words_newest_first(provider):
    find = provider.compute.images
    assert [image.id for image in find("i1")] == ["i1"]
    assert [image.id for image in find("debian-12")] == ["i3", "i2", "i1"]
    assert [image.architecture for image in find("debian-12")] == ["arm64", "x86_64", "x86_64"]
    assert find("debian-13") == []
    assert len(find()) == 3


def test_overrides_are_the_drivers_own_arguments(bare, provider, token):
    asked = {"ex_flavour": "vanilla", "auth": "ssh-ed25519 AAAA"}
    provider.compute.create(SPEC.model_copy(update={"overrides": asked}), token=token)
    (node,) = bare.nodes.values()
    assert (node.extra["flavour"], node.extra["auth"].pubkey) == ("vanilla", "ssh-ed25519 AAAA")
    with pytest.raises(InvalidSpec, match=r"overrides.ex_flavor: unknown key; did you mean ex_flavour"):
        provider.compute.create(SPEC.model_copy(update={"overrides": {"ex_flavor": 1}}), token=str(uuid4()))


def test_what_a_driver_cannot_do_without_is_asked_for_before_any_call(token):
    names = ("tenant_id", "subscription_id", "key", "secret")
    azure = connect("libcloud:azure_arm", **dict.fromkeys(names, "hidden-secret"))
    with pytest.raises(InvalidSpec) as caught:
        azure.compute.create(SPEC, token=token)
    told = ["overrides.auth: this driver cannot do without it", "overrides.ex_resource_group: this driver cannot do without it"]
    assert str(caught.value).splitlines() == told


def test_a_driver_of_another_kind_sells_nothing():
    can = connect("libcloud:vcl", key="k", secret="s").capabilities
    assert not can["on_demand"]


def test_a_create_without_an_image_is_refused_where_none_is_set(connected, token):
    with pytest.raises(InvalidSpec, match=r'image: missing: name one, such as "Debian 12 \(amd64\)", or set the option image'):
        connected(image=None).compute.create(SPEC, token=token)


def test_memory_is_less_what_the_system_takes(provider):
    large = next(offer.machine_type for offer in provider.compute.offers() if offer.machine_type.name == "l")
    assert large.memory == 4 * GIB
    assert 3 * GIB < large.usable_memory < 4 * GIB


def test_images_that_are_many_are_not_listed_to_name_some(bare, connected, token, monkeypatch):
    monkeypatch.setitem(ADAPTERS, "bare", Adapter(many_images=True))
    with pytest.raises(InvalidSpec, match="image: missing: name one, or set the option image"):
        connected(image=None).compute.create(SPEC, token=token)
    assert "list_images" not in bare.calls


def test_a_driver_without_balancers_is_told_by_its_name():
    reason = connect("libcloud:digitalocean", key="k").capabilities["load_balancing"].reason
    assert reason.startswith("libcloud has no balancer driver for digitalocean: use ")
