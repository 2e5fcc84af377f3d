"""What the schema tells of requests and answers."""

import copy
import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.gce.bodies import instance
from tests.fakes.gce.schema import published

SCHEMA = published()
PATH = "/compute/v1/projects/p1/zones/us-central1-a/instances"
GOOD = instance(
    disks=[{"boot": True, "initializeParams": {"diskSizeGb": "50", "labels": {"team": "red"}}}],
    scheduling={"provisioningModel": "SPOT", "instanceTerminationAction": "DELETE"},
    guestAccelerators=[{"acceleratorType": "zones/z/acceleratorTypes/nvidia-tesla-t4", "acceleratorCount": 1}],
    networkInterfaces=[{"accessConfigs": [{"type": "ONE_TO_ONE_NAT"}]}],
    metadata={"items": [{"key": "a", "value": "b"}]},
    labels={"team": "red"},
)


def faults(body, verb="POST", path=PATH):
    method, _ = SCHEMA.find(verb, path)
    return SCHEMA.request_faults(method, path, body)


def objects(value, path=()):
    """Where a document has objects."""
    if isinstance(value, dict):
        yield path
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from objects(one, (*path, key))


FREE = ("labels",)
SPOTS = [path for path in objects(GOOD) if not path or path[-1] not in FREE]
KNOWN = {name for one in SCHEMA.schemas.values() for name in one.get("properties", {})}


def test_a_good_insert_is_accepted():
    assert faults(GOOD) == []
    method, parameters = SCHEMA.find("POST", "https://compute.googleapis.com" + PATH)
    assert (method.id, parameters) == ("compute.instances.insert", {"project": "p1", "zone": "us-central1-a"})


@given(
    st.sampled_from(SPOTS), st.text(min_size=1).filter(lambda name: name not in KNOWN), st.none() | st.integers() | st.text()
)
def test_an_unknown_field_is_found_wherever_it_stands(path, name, value):
    body = node = copy.deepcopy(GOOD)
    for step in path:
        node = node[step]
    node[name] = value
    assert any(one.endswith("unknown field") for one in faults(body))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"statuz": "x"}, "statuz"),
        ({"name": "Bad_Name"}, "match"),
        ({"scheduling": {"preemptable": True}}, "preemptable"),
        ({"scheduling": {"provisioningModel": "CHEAP"}}, "CHEAP"),
        ({"canIpForward": "yes"}, "boolean"),
        ({"disks": [{"initializeParams": {"diskSizeGb": "50GB"}}]}, "50GB"),
        ({"disks": [{"initializeParams": {"diskSizeGb": 50.5}}]}, "50.5"),
        ({"disks": [{"initializeParams": {"diskSizeGb": True}}]}, "string"),
        ({"disks": {}}, "array"),
        ({"guestAccelerators": [{"acceleratorCount": "1"}]}, "integer"),
        ({"guestAccelerators": [{"acceleratorCount": 2**31}]}, "range"),
        ({"labels": {"team": 1}}, "string"),
    ],
)
def test_a_bad_insert_is_told_by_its_fault(change, word):
    (fault,) = faults(GOOD | change)
    assert word in fault


def test_a_required_field_is_missed():
    assert faults({name: value for name, value in GOOD.items() if name != "name"}) == [
        "Instance: 'name' is a required property"
    ]


def test_a_null_stands_for_what_is_not_given_in_requests_alone():
    assert faults(GOOD | {"description": None}) == []
    assert faults(GOOD | {"name": None}) == ["Instance: 'name' is a required property"]
    get, _ = SCHEMA.find("GET", PATH + "/vm")
    assert len(SCHEMA.answer_faults(get, {"kind": "compute#instance", "description": None})) == 1


def test_a_long_number_may_be_a_number_in_a_request_and_is_text_in_an_answer():
    insert, _ = SCHEMA.find("POST", "/compute/v1/projects/p1/zones/us-central1-a/disks")
    get, _ = SCHEMA.find("GET", "/compute/v1/projects/p1/zones/us-central1-a/disks/data")
    assert SCHEMA.request_faults(insert, "", {"name": "data", "sizeGb": 20}) == []
    assert SCHEMA.answer_faults(get, {"kind": "compute#disk", "sizeGb": "20"}) == []
    assert len(SCHEMA.answer_faults(get, {"kind": "compute#disk", "sizeGb": 20})) == 1


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("requestID=1", "unknown"),
        ("maxResults=many", "integer"),
        ("prettyPrint=yes", "true/false"),
        ("alt=xml", "one of"),
        ("filter=a&filter=b", "repeatable"),
    ],
)
def test_a_bad_query_is_told_by_its_fault(query, word):
    method, _ = SCHEMA.find("GET", PATH)
    (fault,) = SCHEMA.request_faults(method, f"{PATH}?{query}", None)
    assert word in fault


def test_a_query_parameter_that_is_required_is_missed():
    method, _ = SCHEMA.find("POST", f"{PATH}/vm/detachDisk")
    assert SCHEMA.request_faults(method, f"{PATH}/vm/detachDisk", None) == ["missing query parameter deviceName"]


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("PUT", PATH),
        ("POST", PATH.replace("us-central1-a", "US")),
        ("GET", PATH.replace("instances", "instancez")),
        ("GET", PATH.replace("v1", "v7")),
        ("GET", "/"),
    ],
)
def test_there_is_no_method_beside_those_that_are_published(verb, path):
    assert SCHEMA.find(verb, path) == (None, {})


def test_bodies_are_where_they_belong():
    method, _ = SCHEMA.find("GET", PATH)
    assert SCHEMA.request_faults(method, PATH, {"name": "vm"}) == ["compute.instances.list takes no body"]
    assert faults(None) == ["Instance: 'name' is a required property"]
    (fault,) = faults(b"{")
    assert "object" in fault


def test_an_answer_has_its_kind_and_its_form():
    method, _ = SCHEMA.find("POST", PATH)
    assert SCHEMA.answer_faults(method, {"kind": "compute#operation", "status": "DONE", "id": "1"}) == []
    assert len(SCHEMA.answer_faults(method, {"kind": "compute#operation", "status": "done", "id": 1})) == 2
    assert len(SCHEMA.answer_faults(method, {"status": "DONE"})) == 1


def test_an_error_has_googles_form():
    method, _ = SCHEMA.find("POST", PATH)
    error = {"error": {"code": 403, "message": "m", "errors": [{"reason": "quotaExceeded", "message": "m"}]}}
    assert SCHEMA.answer_faults(method, error, 403) == []
    assert SCHEMA.answer_faults(method, error, 404) == ["error.code 403 is not 404"]
    assert SCHEMA.answer_faults(method, {"error": {"code": 404}}, 404) == [
        "error.message missing",
        "error.errors[].reason missing",
    ]


def test_the_fixtures_that_libcloud_ships_conform_but_for_old_ones():
    folder = files("libcloud") / "test" / "compute" / "fixtures" / "gce"
    good, bad = 0, 0
    for path in folder.iterdir():
        try:
            document = json.loads(path.read_text("utf-8"))
        except ValueError:
            continue
        found = SCHEMA.resource_faults(document) if isinstance(document, dict) else None
        good += found == []
        bad += bool(found)
    assert good >= 0.9 * (good + bad) > 200
