"""The simulated cloud's shares hold their size, their place and their account, and say how they are mounted."""

from uuid import uuid4

import pytest

from cloudlayer.errors import InvalidSpec, NotFound, QuotaError, RejectedSpec
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import ShareSpec
from cloudlayer.units import GIB, TIB

RUN = {"run": "one"}


@pytest.fixture
def world():
    return World(volume_seconds=3, delete_seconds=5)


@pytest.fixture
def storage(world):
    return world.connect().storage


def made(storage, **fields):
    return storage.create_share(ShareSpec.model_validate({"size": 10 * GIB, "labels": RUN, **fields}), token=str(uuid4()))


def test_a_share_takes_its_time(world, storage):
    share = made(storage, name="common")
    assert (share.state, share.name, share.size, share.protocol) == ("creating", "common", 10 * GIB, "nfs")
    world.advance(3)
    assert [share.state for share in world.shares()] == ["ready"]
    storage.delete_share(share.id)
    assert [share.state for share in world.shares()] == ["deleting"]
    world.advance(5)
    assert [share.state for share in world.shares()] == ["deleted"]


def test_a_size_is_rounded_up_to_whole_gib_and_has_an_end(world, storage):
    assert made(storage, size=GIB + 1).size == 2 * GIB
    with pytest.raises(RejectedSpec, match="100 TiB"):
        made(storage, size=100 * TIB + 1)
    assert world.holdings(RUN) == {"share": 1, "share_account": 1}


@pytest.mark.parametrize(
    ("protocol", "ending"),
    [
        ("nfs", "sudo mount -t nfs -o vers=4.1 {0}.sim-east.simulated.invalid:/{0} /mnt/{0}"),
        (
            "smb",
            "sudo mount -t cifs -o credentials=/etc/cloudlayer/{0}.credentials //{0}.sim-east.simulated.invalid/{0} /mnt/{0}",
        ),
    ],
)
def test_a_ready_share_says_how_it_is_mounted(storage, protocol, ending):
    share = made(storage, protocol=protocol)
    assert share.mount_command is None
    ready = storage.wait_share(share, "ready")
    assert ready.mount_command == f"sudo mkdir -p /mnt/{share.id} && {ending.format(share.id)}"
    storage.delete_share(share.id)
    assert storage.get_share(share.id).mount_command is None


def test_shares_have_a_quota(world, storage):
    world.set_quota("shares", 1)
    made(storage)
    with pytest.raises(QuotaError) as refused:
        made(storage)
    assert (refused.value.name, refused.value.limit, refused.value.used) == ("shares", 1, 1)
    assert world.holdings(RUN) == {"share": 1, "share_account": 1}
    assert [(quota.name, quota.used) for quota in world.connect().quotas()] == [("shares", 1)]


def test_shares_of_another_region_are_not_there(world, storage):
    share = storage.wait_share(made(storage), "ready")
    elsewhere = world.connect("sim-west").storage
    with pytest.raises(NotFound, match=share.id) as missing:
        elsewhere.get_share(share.id)
    assert missing.value.code == "NoSuchShare"
    elsewhere.delete_share(share.id)
    assert elsewhere.shares() == []
    assert storage.get_share(share.id).state == "ready"


def test_an_override_is_none_of_this_clouds(storage):
    with pytest.raises(InvalidSpec, match=r"overrides\.tier: unknown key; the simulated cloud has none for shares"):
        made(storage, overrides={"tier": "premium"})


def test_two_who_open_one_file_see_one_share(tmp_path):
    here, there = (World(tmp_path / "world.json").connect().storage for _ in range(2))
    share = made(here)
    assert [one.id for one in there.shares(RUN)] == [share.id]


def test_a_share_that_is_not_seen_yet_is_waited_for():
    world = World(lag_seconds=20, volume_seconds=3)
    storage = world.connect().storage
    share = made(storage)
    with pytest.raises(NotFound):
        storage.get_share(share.id)
    assert storage.wait_share(share.id, "ready").state == "ready"


def test_the_calls_of_a_share_are_in_the_journal_by_their_names(world, storage):
    share = made(storage)
    storage.get_share(share.id)
    storage.shares()
    storage.delete_share(share.id)
    called = [entry["call"] for entry in world.journal()]
    assert called == ["share_account.create", "share.create", "share.get", "share.list", "share.delete", "share_account.delete"]


def test_a_fault_of_shares_alone_hits_nothing_else(world, storage):
    world.inject(Fault("refused", call="share.*", times=None, error="denied"))
    assert storage.list() == []
    assert storage.snapshots() == []
