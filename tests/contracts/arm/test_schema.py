"""The checker of requests and answers against Azure's swagger files."""

import pytest

from tests.contracts.arm import bodies
from tests.fakes.arm import schema, swagger

MACHINE = bodies.path("virtualMachines", "machine", "Compute") + "?api-version=2021-03-01"


@pytest.mark.parametrize(
    ("verb", "url", "body", "faults"),
    [
        ("PUT", MACHINE, bodies.machine(priority="spot"), []),
        ("PUT", MACHINE, bodies.machine(size="Standard_of_tomorrow"), []),
        ("PUT", MACHINE, bodies.machine() | {"id": "of no account"}, []),
        ("PUT", MACHINE, {"properties": {}}, ["body.location: required"]),
        ("PUT", MACHINE, {"location": "e", "propertys": {}}, ["body.propertys: unknown property"]),
        ("PUT", MACHINE, {"location": "e", "tags": {"a": 1}}, ["body.tags.a: 1 is not a string"]),
        ("PUT", MACHINE, {"location": "e", "zones": "1"}, ["body.zones: not an array"]),
        ("PUT", MACHINE, None, ["VirtualMachines_CreateOrUpdate needs a body"]),
        ("GET", MACHINE, {"a": 1}, ["VirtualMachines_Get takes no body"]),
        ("GET", MACHINE + "&x=1", None, ["unknown query parameter x"]),
        ("GET", MACHINE.replace("2021-03", "2035-03"), None, ["api-version 2035-03-01 is not 2021-03-01"]),
        ("GET", MACHINE.partition("?")[0], None, ["missing query parameter api-version"]),
    ],
)
def test_a_request_has_the_faults_that_it_has(verb, url, body, faults):
    assert schema.check_request(verb, url, body) == faults


def test_there_is_no_operation_for_an_unknown_path():
    assert schema.check_request("GET", MACHINE.replace("virtualMachines", "virtualMachinez"))[0].startswith("no operation")


@pytest.mark.parametrize(
    ("status", "body", "sound"),
    [
        (200, {"location": "eastus"}, True),
        (200, {"location": "eastus", "properties": {"priority": "of tomorrow"}}, True),
        (200, {"location": "eastus", "propertys": {}}, False),
        (200, None, False),
        (202, None, False),
        (409, {"error": {"code": "SkuNotAvailable", "message": "m"}}, True),
        (409, {"code": "SkuNotAvailable"}, False),
    ],
)
def test_an_answer_is_sound_or_not(status, body, sound):
    (operation,) = swagger.find("PUT", MACHINE)
    assert (schema.check_answer(operation, status, body) == []) == sound


def test_what_only_azure_writes_is_no_part_of_a_request():
    (operation,) = swagger.find("PUT", MACHINE)
    body = {"location": "eastus", "id": "x", "properties": {"vmId": "x", "priority": "Spot"}}
    assert schema.writable(operation, body) == {"location": "eastus", "properties": {"priority": "Spot"}}


def test_every_property_that_no_file_lists_is_found():
    def spots(value, path=()):
        if isinstance(value, dict):
            yield path
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in pairs:
            yield from spots(item, (*path, key))

    (operation,) = swagger.find("PUT", MACHINE)
    found = 0
    for path in list(spots(bodies.machine())):
        body = node = bodies.machine()
        for key in path:
            node = node[key]
        node["surprise"] = {}
        found += 1
        assert schema.check_body(operation, body), path
    assert found > 10


def test_an_operation_of_every_file_is_found_under_its_own_path():
    operations = swagger.operations()
    assert len(operations) > 400
    for operation in operations:
        assert operation in swagger.find(operation.verb, operation.template.replace("{", "").replace("}", ""))
