"""What hdfs:// and webhdfs:// promise beyond the conformance suite, on a real HDFS."""

import getpass

import pytest

from cloudlayer.errors import (
    AlreadyExists,
    AuthError,
    CloudError,
    Conflict,
    IntegrityError,
    InvalidSpec,
    NotFound,
    PermissionDenied,
    QuotaError,
    RejectedSpec,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.storage import registry
from cloudlayer.storage.checksums import crc32c
from cloudlayer.storage.objects import ObjectInfo, PutOptions, UploadInfo
from cloudlayer.storage.stores.hdfs_errors import translate
from cloudlayer.storage.stores.webhdfs_attributes import ATTRIBUTE, write_attribute
from tests.storage.lossy import Fault, Lossy
from tests.storage.servers_others import hdfs  # noqa: F401

pytestmark = pytest.mark.objects
NAMES = (
    "sp ace",
    "ha#sh",
    "qu?ery",
    "per%20cent",
    "pl+us",
    "a%2Fb",
    "ü",
    "u\u0308",
    "日本",
    "🙂",
    "back\\slash",
    "new\nline",
    "&=;'\"",
)


@pytest.fixture(params=["fresh", "fresh_web"], ids=["rpc", "web"])
def store(request, hdfs):  # noqa: F811
    made = getattr(hdfs, request.param)().connect()
    yield made
    made.close()


@pytest.fixture
def web(hdfs):  # noqa: F811
    made = hdfs.fresh_web().connect()
    yield made
    made.close()


def keys(store, *arguments, **options):
    return [info.key for page in store.list(*arguments, **options) for info in page.objects]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("org.apache.hadoop.security.AccessControlException", PermissionDenied),
        ("java.io.FileNotFoundException", NotFound),
        ("org.apache.hadoop.fs.FileAlreadyExistsException", AlreadyExists),
        ("org.apache.hadoop.fs.ParentNotDirectoryException", Conflict),
        ("org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException", RejectedSpec),
        ("org.apache.hadoop.hdfs.protocol.DSQuotaExceededException", QuotaError),
        ("org.apache.hadoop.ipc.StandbyException", TransientError),
        ("org.apache.hadoop.security.token.SecretManager$InvalidToken", AuthError),
        ("java.io.IOException", UnknownCloudError),
    ],
)
def test_an_exception_of_the_name_node_is_one_exact_error(name, kind):
    error = translate("hdfs://host/", name, "first line\n\tat org.apache.Stack")
    assert type(error) is kind
    assert "at org" not in str(error)


def test_names_are_kept_as_they_are(store):
    for name in NAMES:
        store.put(f"names/{name}", name.encode())
    assert [store.get(f"names/{name}").decode() for name in NAMES] == list(NAMES)
    assert keys(store, "names/") == sorted((f"names/{name}" for name in NAMES), key=str.encode)


def test_what_hdfs_cannot_name_is_refused_before_any_call(store):
    with pytest.raises(InvalidSpec, match="no colon"):
        store.put("a:b", b"")
    with pytest.raises(InvalidSpec):
        store.put(".cloudlayer-upload-0123456789ab-name", b"")


def test_both_ways_see_the_same_files(hdfs):  # noqa: F811
    place = hdfs.fresh()
    rpc = place.connect()
    web = registry.connect("webhdfs", hdfs.fresh_web().authority, "webhdfs", {**place.settings})
    rpc.put("by rpc", b"one")
    web.put("by web", b"two", PutOptions(content_type="text/plain"))
    assert web.get("by rpc") == b"one"
    assert rpc.get("by web") == b"two"
    assert keys(rpc) == keys(web) == ["by rpc", "by web"]


def test_deleting_a_key_never_deletes_a_folder(store):
    store.put("folder/object", b"kept")
    store.delete("folder")
    assert store.get("folder/object") == b"kept"


def test_an_upload_whose_last_part_broke_off_goes_on_from_the_part_before(store):
    first = store.upload("large")
    part = bytes(range(256)) * (first.part_size // 256)
    first.part(1, part)
    first.part(2, b"half of a part")
    again = store.upload("large", resume=first.id)
    assert dict(again.have()) == {1: crc32c(part)}
    again.part(2, b"the end")
    whole = part + b"the end"
    again.complete(size=len(whole), crc32c=crc32c(whole))
    assert store.get("large") == whole


def test_an_id_of_an_upload_is_no_way_out_of_the_folder(store):
    with pytest.raises(NotFound):
        store.upload("a", resume="../../escape")
    store.discard(UploadInfo("a", "../../escape"))


def test_a_user_whom_the_library_does_not_log_in_is_refused(hdfs, monkeypatch):  # noqa: F811
    monkeypatch.delenv("HADOOP_USER_NAME", raising=False)
    with pytest.raises(InvalidSpec, match="HADOOP_USER_NAME=somebody"):
        hdfs.fresh().connect(user="somebody")
    hdfs.fresh().connect(user=getpass.getuser()).close()


def test_another_user_may_not_write(hdfs):  # noqa: F811
    store = hdfs.fresh_web().connect(user="somebody")
    with pytest.raises(PermissionDenied) as told:
        store.put("a", b"")
    assert told.value.provider == store.uri


def test_a_folder_that_may_not_be_read_is_told_and_ends_no_list(hdfs):  # noqa: F811
    place = hdfs.fresh_web()
    owner, other = place.connect(), place.connect(user="somebody")
    owner.put("closed/a", b"")
    owner.put("open/b", b"")
    hdfs.call("PUT", f"{place.settings['root']}/closed", "SETPERMISSION", permission="700")
    pages = list(other.list())
    assert [info.key for page in pages for info in page.objects] == ["open/b"]
    assert [fault.key for page in pages for fault in page.faults] == ["closed/"]


def test_bytes_that_were_damaged_behind_the_store_are_told(hdfs):  # noqa: F811
    place = hdfs.fresh_web()
    store = place.connect()
    store.put("a", b"right")
    attribute = {"xattr.name": ATTRIBUTE, "xattr.value": write_attribute(ObjectInfo("a", 5, crc32c=1)), "flag": "REPLACE"}
    hdfs.call("PUT", f"{place.settings['root']}/a", "SETXATTR", **attribute)
    with pytest.raises(IntegrityError):
        store.get("a")


def test_a_token_is_in_no_error(hdfs):  # noqa: F811
    store = hdfs.fresh_web().connect(user=None, token="a-delegation-token")
    with pytest.raises(CloudError) as told:
        store.get("a")
    assert "a-delegation-token" not in repr(told.value) + str(told.value)


def test_nobody_there_is_an_error_that_may_go_away():
    for scheme in ("hdfs", "webhdfs"):
        with pytest.raises(TransientError):
            registry.connect(scheme, "127.0.0.1:1", scheme, {"timeout": "500ms"}).get("a")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_name_node_that_is_not_ready_is_asked_again(hdfs, method):  # noqa: F811
    place = hdfs.fresh_web()
    place.connect().put("a", b"there")
    with Lossy(f"http://{place.authority}") as lossy:
        store = registry.connect("webhdfs", lossy.address.removeprefix("http://"), "webhdfs", place.settings)
        lossy.faults = [Fault("refuse", method), Fault("refuse", method, 500)]
        if method == "PUT":
            store.put("a", b"again")
        assert store.get("a") == (b"again" if method == "PUT" else b"there")
        assert not lossy.faults


def test_a_rename_whose_answer_was_lost_is_found_out(hdfs):  # noqa: F811
    place = hdfs.fresh_web()
    with Lossy(f"http://{place.authority}") as lossy:
        store = registry.connect("webhdfs", lossy.address.removeprefix("http://"), "webhdfs", place.settings)
        store.put("warm", b"")
        before = len(lossy.seen)
        store.put("counted", b"")
        puts = [index for index, call in enumerate(lossy.seen[before:]) if call[0] == "PUT"]
        assert puts
        # the last PUT of a put is the rename
        lossy.faults = [*(Fault("pass", "PUT") for _ in puts[:-1]), Fault("lose", "PUT")]
        made = store.put("once", b"mine", PutOptions(if_absent=True))
    assert place.connect().head("once") == made
